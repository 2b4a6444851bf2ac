import { ActionIcon, Button, Group, Menu, Text, Tooltip } from "@mantine/core";
import {
  IconArrowBackUp,
  IconArrowForwardUp,
  IconArrowLeft,
  IconBook2,
  IconDots,
  IconKeyboard,
  IconPlayerTrackNext,
} from "@tabler/icons-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { shown } from "../commands/keys";
import type { CommandRegistry } from "../commands/registry";
import type { OpenWork } from "./open";
import type { WorkSession } from "./session";

interface Props {
  readonly open: OpenWork;
  readonly session: WorkSession;
  readonly registry: CommandRegistry;
  readonly busy: boolean;
  readonly onInstructions: () => void;
  readonly onSkip: () => void;
  readonly onLeave: () => void;
  readonly onKeys: () => void;
}

/** Task, state of saving, and the verbs; every button tells its key. */
export function WorkHeader({
  open,
  session,
  registry,
  busy,
  onInstructions,
  onSkip,
  onLeave,
  onKeys,
}: Props) {
  const { t } = useTranslation();
  const { task, stage } = open.work;
  useSyncExternalStore(open.store.subscribe, open.store.snapshot);
  const commands = useSyncExternalStore(registry.subscribe, registry.snapshot);
  const button = (id: string, primary = false, color?: string) => {
    const command = commands.find((c) => c.id === id);
    if (command === undefined) return null;
    const why = command.available?.() ?? true;
    const keys = registry.keysOf(command)[0];
    return (
      <Tooltip
        key={id}
        label={why === true ? (keys === undefined ? t(`command.${id}`) : shown(keys)) : t(why)}
        openDelay={300}
      >
        <Button
          size="xs"
          variant={primary ? "filled" : "default"}
          {...(color === undefined ? {} : { color })}
          loading={busy && primary}
          aria-disabled={why !== true}
          data-disabled={why !== true || undefined}
          onClick={() => (why === true ? command.run() : undefined)}
          aria-keyshortcuts={keys ?? ""}
        >
          {t(`command.${id}`)}
        </Button>
      </Tooltip>
    );
  };
  const icon = (id: string, Icon: typeof IconArrowBackUp) => {
    const command = commands.find((c) => c.id === id);
    const why = command?.available?.() ?? true;
    const keys = command === undefined ? undefined : registry.keysOf(command)[0];
    return (
      <Tooltip
        label={`${t(`command.${id}`)}${keys === undefined ? "" : ` (${shown(keys)})`}`}
        openDelay={300}
      >
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t(`command.${id}`)}
          disabled={why !== true}
          onClick={() => command?.run()}
        >
          <Icon size={18} stroke={1.7} />
        </ActionIcon>
      </Tooltip>
    );
  };
  return (
    <Group
      component="header"
      px="sm"
      h={48}
      gap="xs"
      wrap="nowrap"
      className="steelyard-workbench-header"
      justify="space-between"
    >
      <Group gap="xs" wrap="nowrap" style={{ minWidth: 0 }}>
        <Tooltip label={t("workbench.leave")} openDelay={300}>
          <ActionIcon variant="subtle" color="gray" aria-label={t("workbench.leave")} onClick={onLeave}>
            <IconArrowLeft size={18} />
          </ActionIcon>
        </Tooltip>
        <Text component="h1" fw={600} size="sm" truncate dir="auto" title={task.instruction ?? ""}>
          {task.project ?? t("workbench.noProject")}
          {task.batch === undefined ? "" : ` · ${task.batch}`}
        </Text>
        {stage !== "label" && (
          <Text
            size="xs"
            fw={600}
            tt="uppercase"
            c={
              stage === "review"
                ? "light-dark(var(--mantine-color-violet-8), var(--mantine-color-violet-3))"
                : "light-dark(var(--mantine-color-blue-9), var(--mantine-color-blue-3))"
            }
          >
            {t(`workbench.stage.${stage}`)}
          </Text>
        )}
        <Tooltip label={t("command.task.instructions")} openDelay={300}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t("command.task.instructions")}
            onClick={onInstructions}
          >
            <IconBook2 size={18} stroke={1.7} />
          </ActionIcon>
        </Tooltip>
      </Group>
      <Group gap={4} wrap="nowrap">
        {icon("edit.undo", IconArrowBackUp)}
        {icon("edit.redo", IconArrowForwardUp)}
        <SaveWords open={open} session={session} />
      </Group>
      <Group gap="xs" wrap="nowrap">
        <Text size="xs" c="dimmed" visibleFrom="md" style={{ whiteSpace: "nowrap" }}>
          {t("workbench.doneCount", { count: session.done })}
        </Text>
        <Menu position="bottom-end" withinPortal>
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={t("workbench.more")}>
              <IconDots size={18} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconPlayerTrackNext size={16} />} onClick={() => void session.release()}>
              {t("workbench.release")}
            </Menu.Item>
            <Menu.Item leftSection={<IconKeyboard size={16} />} onClick={onKeys}>
              {t("command.app.keys")}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Button size="xs" variant="default" onClick={onSkip}>
          {t("command.task.skip")}
        </Button>
        {button("review.sendBack", false, "red")}
        {button("review.fix")}
        {button("review.accept", true)}
        {button("task.submit", true)}
      </Group>
    </Group>
  );
}

/** The state of saving in words, and the lease when it runs out because nothing can be sent. */
function SaveWords({ open, session }: { readonly open: OpenWork; readonly session: WorkSession }) {
  const { t } = useTranslation();
  const { state } = open.outbox;
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const left = Math.max(0, Math.floor((open.leaseExpiresAt - now) / 1000));
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  const urgent = left < 180;
  return (
    <Group gap="xs" wrap="nowrap">
      <Text
        size="xs"
        className="steelyard-save"
        role="status"
        data-save-state={state}
        style={{ whiteSpace: "nowrap" }}
      >
        {t(`workbench.save.${state}`)}
      </Text>
      {urgent && state !== "lease-lost" && (
        <Text
          size="xs"
          className="steelyard-save"
          data-left
          style={{ whiteSpace: "nowrap", fontVariantNumeric: "tabular-nums" }}
        >
          {t("workbench.leaseLeft", { time: clock })}
        </Text>
      )}
      {state === "lease-lost" && (
        <Button size="compact-xs" variant="light" color="red" onClick={() => void session.reclaim()}>
          {t("workbench.reclaim")}
        </Button>
      )}
    </Group>
  );
}
