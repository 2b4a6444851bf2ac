import { Anchor, Box, Button, Code, Group, Image, Stack, Text, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { Problem } from "../../ui/feedback";
import { StatusBadge } from "../../ui/StatusBadge";
import type { Task } from "../tasks/filters";

const LONGEST = 600;

/** One completed task: what was asked, what was answered, and the customer's verdict. */
export function AuditCard({ task, onDone }: { task: Task; onDone: () => void }) {
  const { t } = useTranslation();
  const [comments, setComments] = useState("");
  const audit = useMutation({
    mutationFn: (accepted: boolean) =>
      unwrap(
        api.POST("/v1/task/{task_id}/audit", {
          params: { path: { task_id: task.task_id } },
          body: { accepted, ...(comments.trim() === "" ? {} : { comments: comments.trim() }) },
        }),
      ),
    onSuccess: onDone,
  });
  const { attachment, attachment_type: kind, text } = task.params as Record<string, unknown>;
  const words =
    typeof text === "string" ? text : kind === "text" && typeof attachment === "string" ? attachment : null;
  const own = typeof attachment === "string" && attachment.startsWith(`${location.origin}/media/`);
  return (
    <Box className="sy-panel" p="md" component="article" aria-label={`${t("console.task")} ${task.task_id}`}>
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap">
          <Anchor
            component={Link}
            size="sm"
            className="sy-mono"
            to="/console/tasks/$taskId"
            params={{ taskId: task.task_id } as never}
          >
            {task.task_id}
          </Anchor>
          <StatusBadge status={task.customer_review_status ?? "pending"} />
        </Group>
        <Text size="xs" c="dimmed">
          {[task.type, task.project, task.batch].filter(Boolean).join(" · ")}
        </Text>
        {own && (
          <Image src={attachment} alt={t("console.attachment")} h={160} fit="contain" bg="var(--sy-canvas)" />
        )}
        {words !== null && (
          <Text size="sm" lineClamp={5}>
            {words.slice(0, LONGEST)}
          </Text>
        )}
        <Code
          block
          mah={140}
          className="sy-mono sy-scroll"
          tabIndex={0}
          role="region"
          aria-label={t("console.response")}
        >
          {JSON.stringify(task.response, null, 1)?.slice(0, LONGEST * 4)}
        </Code>
        <Textarea
          aria-label={t("console.comment")}
          placeholder={t("console.comment")}
          value={comments}
          onChange={(event) => setComments(event.currentTarget.value)}
          autosize
          minRows={1}
          size="xs"
        />
        <Problem error={audit.error} />
        <Group grow gap="xs">
          <Button
            size="xs"
            color="teal"
            variant="light"
            loading={audit.isPending}
            onClick={() => audit.mutate(true)}
          >
            {t("console.accept")}
          </Button>
          <Button
            size="xs"
            color="red"
            variant="light"
            loading={audit.isPending}
            onClick={() => audit.mutate(false)}
          >
            {t("console.reject")}
          </Button>
        </Group>
      </Stack>
    </Box>
  );
}
