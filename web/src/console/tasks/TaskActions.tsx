import { ActionIcon, Button, Group, Menu, Tooltip } from "@mantine/core";
import { IconBan, IconChevronDown, IconChevronUp, IconSend } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { confirmed } from "../../ui/confirm";
import { told, toldProblem } from "../../ui/feedback";
import { Reassign } from "../work/Reassign";
import type { Task } from "./filters";

interface TaskActionsProps {
  readonly task: Task;
  readonly onChanged: () => void;
  readonly onStep: ((by: number) => void) | undefined;
}

export function TaskActions({ task, onChanged, onStep }: TaskActionsProps) {
  const { t } = useTranslation();
  const path = { task_id: task.task_id };
  const [giving, setGiving] = useState<string | null>(null);
  const cancel = useMutation({
    mutationFn: () => unwrap(api.POST("/v1/task/{task_id}/cancel", { params: { path } })),
    onSuccess: () => {
      told(t("console.canceled"));
      onChanged();
    },
    onError: toldProblem,
  });
  async function cancelIt() {
    const title = t("console.cancelTasks", { count: 1 });
    const text = t("console.cancelTasksHint");
    if (await confirmed({ title, text, confirm: title, danger: true })) cancel.mutate();
  }
  const callback = useMutation({
    mutationFn: () => unwrap(api.POST("/v1/task/{task_id}/send_callback", { params: { path } })),
    onSuccess: () => told(t("console.callbackSent")),
    onError: toldProblem,
  });
  const recall = useMutation({
    mutationFn: () => unwrap(api.POST("/api/tasks/{task_id}/recall", { params: { path }, body: {} })),
    onSuccess: () => {
      told(t("console.recalled"));
      onChanged();
    },
    onError: toldProblem,
  });
  const quality = useMutation({
    mutationFn: (kind: "evaluation" | "training") =>
      unwrap(api.POST("/api/tasks/{task_id}/make-quality-task", { params: { path }, body: { kind } })),
    onSuccess: () => told(t("console.qualityTaskMade")),
    onError: toldProblem,
  });
  return (
    <Group gap="xs" justify="space-between">
      <Group gap="xs">
        {task.status === "pending" && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconBan size={14} aria-hidden />}
            loading={cancel.isPending}
            onClick={() => void cancelIt()}
          >
            {t("console.cancel")}
          </Button>
        )}
        {task.status === "pending" && (
          <Button size="xs" variant="default" onClick={() => setGiving(task.task_id)}>
            {t("console.reassign")}
          </Button>
        )}
        {task.callback_url !== undefined && task.status !== "pending" && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconSend size={14} aria-hidden />}
            loading={callback.isPending}
            onClick={() => callback.mutate()}
          >
            {t("console.sendCallback")}
          </Button>
        )}
        {task.status === "completed" && (
          <Button
            size="xs"
            variant="default"
            component={Link}
            to="/console/audits/$taskId"
            params={{ taskId: task.task_id } as never}
          >
            {t("console.auditIt")}
          </Button>
        )}
        {task.status === "completed" && (
          <Menu>
            <Menu.Target>
              <Button size="xs" variant="default" loading={recall.isPending || quality.isPending}>
                {t("console.actions")}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => recall.mutate()}>{t("console.recall")}</Menu.Item>
              <Menu.Item onClick={() => quality.mutate("evaluation")}>
                {t("console.makeEvaluation")}
              </Menu.Item>
              <Menu.Item onClick={() => quality.mutate("training")}>{t("console.makeTraining")}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
      </Group>
      <Reassign taskId={giving} onClose={() => setGiving(null)} onDone={onChanged} />
      {onStep !== undefined && (
        <Group gap={4}>
          <Tooltip label={t("console.previousTask")}>
            <ActionIcon variant="default" onClick={() => onStep(-1)} aria-label={t("console.previousTask")}>
              <IconChevronUp size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={t("console.nextTask")}>
            <ActionIcon variant="default" onClick={() => onStep(1)} aria-label={t("console.nextTask")}>
              <IconChevronDown size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Group>
      )}
    </Group>
  );
}
