import { Anchor, Stack, Tabs } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { Facts } from "../../ui/Facts";
import { Pending } from "../../ui/feedback";
import { time } from "../../ui/format";
import { JsonView } from "../../ui/JsonView";
import { StatusBadge } from "../../ui/StatusBadge";
import { EditMetadata } from "./EditMetadata";
import { EditTags } from "./EditTags";
import type { Task } from "./filters";
import { TaskActions } from "./TaskActions";
import { TaskAnswers } from "./TaskAnswers";
import { TaskAttachments } from "./TaskAttachments";
import { TaskComments, TaskTimeline, TaskVersions } from "./TaskHistory";

function Summary({ task, onChanged }: { task: Task; onChanged: () => void }) {
  const { t } = useTranslation();
  return (
    <Facts
      items={[
        [t("console.column.status"), <StatusBadge key="s" status={task.status} />],
        [
          t("console.column.review"),
          task.customer_review_status && <StatusBadge key="r" status={task.customer_review_status} />,
        ],
        [t("console.column.type"), task.type],
        [
          t("console.project"),
          task.project && (
            <Anchor
              key="p"
              component={Link}
              size="sm"
              to="/console/projects/$name"
              params={{ name: task.project } as never}
            >
              {task.project}
            </Anchor>
          ),
        ],
        [t("console.batch"), task.batch],
        [t("console.column.unique_id"), task.unique_id],
        [t("console.column.priority"), task.priority],
        [t("console.column.tags"), <EditTags key="t" task={task} onChanged={onChanged} />],
        [t("console.column.created_at"), time(task.created_at)],
        [t("console.column.completed_at"), task.completed_at && time(task.completed_at)],
        [t("console.callbackTo"), task.callback_url],
        [t("console.paramVersion"), task.project_param_version],
      ]}
    />
  );
}

/** Everything about one task. Keys J and K go to the next and the one before. */
export function TaskDetail({ taskId, onStep }: { taskId: string; onStep?: (by: number) => void }) {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ["task", taskId],
    queryFn: () => unwrap(api.GET("/v1/task/{task_id}", { params: { path: { task_id: taskId } } })),
  });
  useHotkeys([
    ["j", () => onStep?.(1)],
    ["k", () => onStep?.(-1)],
  ]);
  const task = found.data;
  return (
    <Pending query={found}>
      {task !== undefined && (
        <Stack gap="md">
          <TaskActions task={task} onChanged={() => void found.refetch()} onStep={onStep} />
          <Summary task={task} onChanged={() => void found.refetch()} />
          <Tabs defaultValue={task.response === undefined ? "params" : "response"} keepMounted={false}>
            <Tabs.List>
              {task.response !== undefined && <Tabs.Tab value="response">{t("console.response")}</Tabs.Tab>}
              <Tabs.Tab value="params">{t("console.params")}</Tabs.Tab>
              <Tabs.Tab value="attachments">{t("console.attachments")}</Tabs.Tab>
              <Tabs.Tab value="metadata">{t("console.metadata")}</Tabs.Tab>
              <Tabs.Tab value="answers">{t("console.attempts")}</Tabs.Tab>
              <Tabs.Tab value="versions">{t("console.versions")}</Tabs.Tab>
              <Tabs.Tab value="comments">{t("console.comments")}</Tabs.Tab>
              <Tabs.Tab value="timeline">{t("console.timeline")}</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="response" pt="sm">
              <JsonView value={task.response} label={t("console.response")} maxHeight={560} />
            </Tabs.Panel>
            <Tabs.Panel value="params" pt="sm">
              <JsonView value={task.params} label={t("console.params")} maxHeight={560} />
            </Tabs.Panel>
            <Tabs.Panel value="attachments" pt="sm">
              <TaskAttachments task={task} onChanged={() => void found.refetch()} />
            </Tabs.Panel>
            <Tabs.Panel value="metadata" pt="sm">
              <EditMetadata task={task} onChanged={() => void found.refetch()} />
            </Tabs.Panel>
            <Tabs.Panel value="answers" pt="sm">
              <TaskAnswers taskId={taskId} />
            </Tabs.Panel>
            <Tabs.Panel value="versions" pt="sm">
              <TaskVersions taskId={taskId} />
            </Tabs.Panel>
            <Tabs.Panel value="comments" pt="sm">
              <TaskComments taskId={taskId} />
            </Tabs.Panel>
            <Tabs.Panel value="timeline" pt="sm">
              <TaskTimeline taskId={taskId} />
            </Tabs.Panel>
          </Tabs>
        </Stack>
      )}
    </Pending>
  );
}
