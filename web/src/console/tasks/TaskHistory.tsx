import { Code, Stack, Text, Timeline, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { DataTable } from "../../ui/DataTable";
import { Empty, Pending } from "../../ui/feedback";
import { time } from "../../ui/format";
import { DiffView } from "../projects/DiffView";

/** What happened to a task. */
export function TaskTimeline({ taskId }: { taskId: string }) {
  const { t } = useTranslation();
  const { query, rows } = usePaged(["timeline", taskId], (token) =>
    unwrap(
      api.GET("/api/tasks/{task_id}/timeline", {
        params: { path: { task_id: taskId }, query: { limit: 100, ...after(token) } },
      }),
    ),
  );
  const numbered = rows.map((row, place) => ({ ...row, place }));
  return (
    <DataTable
      label={t("console.timeline")}
      query={query}
      rows={numbered}
      idOf={(row) => row.place}
      empty={t("console.nothingFound")}
      columns={[
        { title: t("console.when"), cell: (row) => time(row.at) },
        { title: t("console.event"), cell: (row) => row.kind },
        { title: t("console.actor"), cell: (row) => row.actor ?? "" },
        {
          title: t("console.detail"),
          cell: (row) =>
            row.detail != null && (
              <Code style={{ overflowWrap: "anywhere" }}>{JSON.stringify(row.detail)}</Code>
            ),
        },
      ]}
    />
  );
}

/** Every answer that the task has had, each with what it changed of the one before. */
export function TaskVersions({ taskId }: { taskId: string }) {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ["versions", taskId],
    queryFn: () =>
      unwrap(api.GET("/api/tasks/{task_id}/versions", { params: { path: { task_id: taskId } } })),
  });
  const items = found.data?.items ?? [];
  return (
    <Pending query={found}>
      {items.length === 0 ? (
        <Empty title={t("console.noVersions")} />
      ) : (
        <Timeline bulletSize={16} lineWidth={2} active={items.length}>
          {items.map((version) => (
            <Timeline.Item
              key={version.version}
              title={t("console.versionOf", { version: version.version, time: time(version.created_at) })}
            >
              <Text size="sm" c="dimmed" mb={4}>
                {version.author} · {version.origin}
              </Text>
              <DiffView
                before={items.find((other) => other.version === version.base_version)?.response ?? {}}
                after={version.response}
              />
            </Timeline.Item>
          ))}
        </Timeline>
      )}
    </Pending>
  );
}

/** Remarks of reviewers and auditors. */
export function TaskComments({ taskId }: { taskId: string }) {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ["comments", taskId],
    queryFn: () =>
      unwrap(api.GET("/api/tasks/{task_id}/comments", { params: { path: { task_id: taskId } } })),
  });
  const items = found.data?.items ?? [];
  return (
    <Pending query={found}>
      {items.length === 0 ? (
        <Empty title={t("console.noComments")} />
      ) : (
        <Stack gap="sm">
          {items.map((comment) => (
            <article key={comment.id} className="sy-panel" style={{ padding: "0.6rem 0.9rem" }}>
              <Title order={3} size="sm">
                {comment.author}
              </Title>
              <Text size="xs" c="dimmed">
                {time(comment.created_at)}
                {comment.annotation_id !== null && ` · ${comment.annotation_id}`}
              </Text>
              <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
                {comment.text}
              </Text>
            </article>
          ))}
        </Stack>
      )}
    </Pending>
  );
}
