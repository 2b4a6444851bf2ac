/** The page on which people work: header, the type's editor, remarks; commands, palette and key sheet over it. */

import { Box, Button, Center, Group, Loader, Stack, Text, Title } from "@mantine/core";
import type { TFunction } from "i18next";
import { type ReactNode, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { CommandRegistry } from "../commands/registry";
import { ConflictDialog } from "./ConflictDialog";
import type { Filter, WorkCalls } from "./calls";
import { appCommands } from "./commands";
import { Feedback } from "./Feedback";
import { KeySheet } from "./KeySheet";
import { LocalDrafts } from "./local";
import { Palette } from "./Palette";
import { Refusals } from "./Refusals";
import { Stranded } from "./Stranded";
import { type SessionState, WorkSession } from "./session";
import { WorkView } from "./WorkView";
import "./workbench.css";

export interface WorkbenchProps {
  readonly calls: WorkCalls;
  /** Id of the person, part of the keys of what this device remembers. */
  readonly member: string;
  readonly filter: Filter;
  readonly onLeave: () => void;
}

export function WorkbenchPage({ calls, member, filter, onLeave }: WorkbenchProps) {
  const { t } = useTranslation();
  const wanted = JSON.stringify(filter);
  const registry = useMemo(() => new CommandRegistry(), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a filter with equal content is the same filter
  const session = useMemo(
    () => new WorkSession(calls, new LocalDrafts(), member, filter, filter.task_id === undefined),
    [calls, member, wanted],
  );
  useSyncExternalStore(session.subscribe, session.snapshot);
  const [dialog, setDialog] = useState<"keys" | "palette" | null>(null);

  useEffect(() => {
    void session.start();
    return () => session.close();
  }, [session]);
  useEffect(() => registry.listen(window), [registry]);
  useEffect(() => void registry.keepIn(calls.keys), [registry, calls]);
  useEffect(() => registry.register(appCommands(setDialog, onLeave)), [registry, onLeave]);

  const { state } = session;
  return (
    <Box h="100dvh" style={{ display: "flex", flexDirection: "column", overflow: "hidden" }}>
      {state.kind === "starting" && (
        <Center flex={1}>
          <Loader aria-label={t("workbench.loading")} />
        </Center>
      )}
      {state.kind === "open" && (
        <WorkView
          key={state.open.work.lease_token}
          open={state.open}
          session={session}
          registry={registry}
          busy={state.busy}
          waiting={state.waiting}
          onLeave={onLeave}
        />
      )}
      {state.kind === "feedback" && (
        <Feedback open={state.open} submitted={state.submitted} onProceed={() => void session.proceed()} />
      )}
      {(state.kind === "empty" || state.kind === "failed" || state.kind === "elsewhere") && (
        <Notice
          {...words(t, state, filter, session)}
          action={t(state.kind === "elsewhere" ? "workbench.elsewhere.here" : "workbench.look")}
          onAction={() => void (state.kind === "elsewhere" ? session.start() : session.look())}
          onLeave={onLeave}
        >
          {state.kind === "empty" && <Stranded drafts={session.stranded} />}
        </Notice>
      )}
      {state.kind === "open" && state.open.outbox.conflict !== null && <ConflictDialog open={state.open} />}
      <Refusals registry={registry} />
      <KeySheet registry={registry} opened={dialog === "keys"} onClose={() => setDialog(null)} />
      <Palette registry={registry} opened={dialog === "palette"} onClose={() => setDialog(null)} />
    </Box>
  );
}

/** Why there is no work though some waits; the server's words. */
const REASONS = ["paused", "training", "open-cap", "daily-cap", "only-reviewer"] as const;

type Told = Exclude<SessionState["kind"], "starting" | "open" | "feedback">;

function words(
  t: TFunction,
  state: Extract<SessionState, { kind: Told }>,
  filter: Filter,
  session: WorkSession,
): { title: string; text: string } {
  if (state.kind === "failed")
    return state.offline
      ? { title: t("workbench.offline.title"), text: t("workbench.offline.text") }
      : { title: t("workbench.failed.title"), text: state.message };
  if (state.kind === "elsewhere")
    return { title: t("workbench.elsewhere.title"), text: t("workbench.elsewhere.text") };
  const why = REASONS.find((reason) => reason === state.nothing);
  if (why !== undefined) return { title: t("workbench.empty.title"), text: t(`workbench.nothing.${why}`) };
  return {
    title: t("workbench.empty.title"),
    text: t(filter.task_id === undefined ? "workbench.empty.text" : "workbench.empty.one", {
      count: session.done,
    }),
  };
}

interface NoticeProps {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly onAction: () => void;
  readonly onLeave: () => void;
  readonly children?: ReactNode;
}

/** What is shown in place of work. */
function Notice({ title, text, action, onAction, onLeave, children }: NoticeProps) {
  const { t } = useTranslation();
  return (
    <Center flex={1} p="lg">
      <Stack align="center" maw={520} gap="md" role="status">
        <Title order={1} size="h2" ta="center">
          {title}
        </Title>
        <Text ta="center" c="dimmed">
          {text}
        </Text>
        {children}
        <Group>
          <Button onClick={onAction}>{action}</Button>
          <Button variant="default" onClick={onLeave}>
            {t("workbench.leave")}
          </Button>
        </Group>
      </Stack>
    </Center>
  );
}
