import { Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type KeyboardEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Pending, Problem } from "../../ui/feedback";
import { StatusBadge } from "../../ui/StatusBadge";
import type { Task } from "../tasks/filters";
import { TaskLink } from "../tasks/TaskLink";
import { AnswerView } from "./AnswerView";
import type { AuditFilters } from "./filters";
import { audit, auditedTask } from "./queue";

interface AuditCardProps {
  readonly taskId: string;
  readonly filters: AuditFilters;
  readonly onDone: () => void;
}

/** One completed task: what was asked, what was answered, and the verdict, by buttons or, with the card in focus, by Shift+A and Shift+X. */
export function AuditCard({ taskId, filters, onDone }: AuditCardProps) {
  const { t } = useTranslation();
  const found = useQuery(auditedTask(taskId));
  const [comments, setComments] = useState("");
  const judge = useMutation({
    mutationFn: (result: "accepted" | "rejected" | "commented") =>
      audit(taskId, { result, ...(comments.trim() === "" ? {} : { comments: comments.trim() }) }),
    onSuccess: onDone,
  });
  const task = found.data as unknown as Task | undefined;
  function keys(event: KeyboardEvent) {
    if (!event.shiftKey || event.target instanceof HTMLTextAreaElement) return;
    const verdict = { A: "accepted", X: "rejected" }[event.key] as "accepted" | "rejected" | undefined;
    if (verdict === undefined) return;
    event.preventDefault();
    judge.mutate(verdict);
  }
  return (
    <article
      className="sy-panel sy-audit"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the card takes keys of its own
      tabIndex={0}
      aria-label={`${t("console.task")} ${taskId}`}
      onKeyDown={keys}
    >
      <Pending query={found}>
        {task !== undefined && (
          <Stack gap="xs" h="100%">
            <Group justify="space-between" wrap="nowrap">
              <TaskLink id={taskId} />
              <StatusBadge status={task.customer_review_status ?? "pending"} />
            </Group>
            <Text size="xs" c="dimmed">
              {[task.type, task.project, task.batch].filter(Boolean).join(" · ")}
            </Text>
            <AnswerView task={task} />
            <Stack gap="xs" mt="auto">
              <Textarea
                aria-label={t("console.comment")}
                placeholder={t("console.comment")}
                value={comments}
                onChange={(event) => setComments(event.currentTarget.value)}
                autosize
                minRows={1}
                size="xs"
              />
              <Problem error={judge.error} />
              <Group gap={6} grow preventGrowOverflow={false}>
                <Button
                  size="compact-sm"
                  color="teal"
                  variant="light"
                  loading={judge.isPending}
                  onClick={() => judge.mutate("accepted")}
                >
                  {t("console.accept")}
                </Button>
                <Button
                  size="compact-sm"
                  color="red"
                  variant="light"
                  loading={judge.isPending}
                  onClick={() => judge.mutate("rejected")}
                >
                  {t("console.reject")}
                </Button>
                <Button
                  size="compact-sm"
                  variant="default"
                  disabled={comments.trim() === ""}
                  loading={judge.isPending}
                  onClick={() => judge.mutate("commented")}
                >
                  {t("console.comment")}
                </Button>
                <Button
                  size="compact-sm"
                  variant="default"
                  component={Link}
                  to="/console/audits/$taskId"
                  params={{ taskId } as never}
                  search={filters as never}
                >
                  {t("console.open")}
                </Button>
              </Group>
            </Stack>
          </Stack>
        )}
      </Pending>
    </article>
  );
}
