/** Open work: the commands that belong to every task, the header, the editor and the remarks beside it. */

import { Alert, Box, Button, Group, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Command } from "../commands/command";
import type { CommandRegistry } from "../commands/registry";
import { Commands } from "../commands/useKeys";
import type { Remark } from "../task-types/registry";
import { CompareBar, ComparePane } from "./Compare";
import { compareCommands, remarkCommand, type Side, taskCommands } from "./commands";
import { Instructions } from "./Instructions";
import { Issues } from "./Issues";
import type { OpenWork } from "./open";
import { RemarksPanel } from "./RemarksPanel";
import { SkipDialog } from "./SkipDialog";
import type { WorkSession } from "./session";
import { WorkHeader } from "./WorkHeader";

interface Props {
  readonly open: OpenWork;
  readonly session: WorkSession;
  readonly registry: CommandRegistry;
  readonly busy: boolean;
  readonly waiting: boolean;
  readonly onLeave: () => void;
}

export function WorkView({ open, session, registry, busy, waiting, onLeave }: Props) {
  const { t } = useTranslation();
  const { work, store } = open;
  const reviewing = work.stage === "review";
  const [side, setSide] = useState<Side>(work.instructions?.changed === true ? "instructions" : null);
  const register = useCallback((commands: readonly Command[]) => registry.register(commands), [registry]);

  const [against, setAgainst] = useState(0);
  const [beside, setBeside] = useState(false);
  const [held, setHeld] = useState(false);
  const [asked, setAsked] = useState(0);
  const comparisons = useMemo(() => open.comparisons(), [open]);
  const comparison = comparisons[against];

  useEffect(() => register(taskCommands(open, session, setSide)), [register, open, session]);
  useEffect(() => {
    if (comparisons.length === 0) return undefined;
    return register(
      compareCommands({
        held: open.type.showsBefore === true ? null : setHeld,
        beside: () => {
          setBeside((now) => !now);
          setSide((now) => (now === "remark" ? null : now));
        },
        several: comparisons.length > 1,
        other: () => setAgainst((now) => (now + 1) % comparisons.length),
      }),
    );
  }, [register, open, comparisons]);
  useEffect(() => {
    if (!reviewing) return undefined;
    const ask = (): void => {
      setSide("remark");
      setAsked((now) => now + 1);
    };
    return register([remarkCommand(ask)]);
  }, [register, reviewing]);

  const given = reviewing ? (work.review?.comments ?? []) : work.comments;
  const addRemark = useCallback((remark: Remark) => open.setRemarks([...open.remarks, remark]), [open]);
  const remarks = useMemo(() => [...given, ...open.remarks], [given, open.remarks]);
  const { Editor } = open.type;
  // Two answers side by side need the room; a remark that is asked for comes over that.
  const roomy = useMediaQuery("(min-width: 1600px)") ?? true;
  const showRemarks = side === "remark" || ((roomy || !beside) && (reviewing || remarks.length > 0));

  return (
    <>
      <WorkHeader
        open={open}
        session={session}
        registry={registry}
        busy={busy}
        onInstructions={() => registry.run("task.instructions")}
        onSkip={() => registry.run("task.skip")}
        onLeave={onLeave}
        onKeys={() => registry.run("app.keys")}
      />
      {waiting && (
        <Alert color="yellow" radius={0} py={6} role="status">
          <Group justify="space-between">
            <Text size="sm">{t("workbench.waiting")}</Text>
            <Button size="compact-sm" variant="default" onClick={() => session.takeBack()}>
              {t("workbench.takeBack")}
            </Button>
          </Group>
        </Alert>
      )}
      {session.failure !== null && (
        <Alert color="red" radius={0} py={6} role="alert">
          {session.failure}
        </Alert>
      )}
      <Commands.Provider value={registry}>
        <Issues open={open} />
      </Commands.Provider>
      {comparison !== undefined && (
        <CompareBar
          comparisons={comparisons}
          against={against}
          onAgainst={setAgainst}
          beside={beside}
          onBeside={setBeside}
          keys={keysOfBefore(registry)}
        />
      )}
      <Box style={{ display: "flex", flex: 1, minHeight: 0, position: "relative" }}>
        {beside && comparison !== undefined && (
          <ComparePane key={against} open={open} comparison={comparison} now={null} />
        )}
        {held && comparison !== undefined && (
          <ComparePane open={open} comparison={comparison} now={null} over />
        )}
        <Box component="main" id="main" className="steelyard-main">
          <Commands.Provider value={registry}>
            <Editor
              task={work.task}
              media={work.media}
              store={store}
              mode={reviewing ? "review" : "label"}
              before={comparison?.doc ?? open.before}
              remarks={remarks}
              issues={open.issues}
              pointed={open.pointed}
              onRemark={reviewing ? addRemark : undefined}
              registerCommands={register}
              memory={session.memory(work.task.type)}
            />
          </Commands.Provider>
        </Box>
        {showRemarks && (
          <RemarksPanel
            given={given}
            own={open.remarks}
            editable={reviewing}
            asked={asked}
            store={store}
            onChange={(next) => open.setRemarks(next)}
          />
        )}
      </Box>
      <Instructions
        opened={side === "instructions"}
        work={work}
        onClose={() => {
          setSide(null);
          if (work.instructions !== null && work.task.project !== undefined)
            void session.readInstructions(work.task.project, work.instructions.version);
        }}
      />
      <SkipDialog
        opened={side === "skip"}
        onClose={() => setSide(null)}
        onSkip={(reason) => void session.skip(reason)}
      />
    </>
  );
}

function keysOfBefore(registry: CommandRegistry): string | undefined {
  const command = registry.snapshot().find(({ id }) => id === "review.before" || id === "image.before");
  return command === undefined ? undefined : registry.keysOf(command)[0];
}
