import { Button, Stack, Text, Timeline, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { Empty, Pending } from "../../ui/feedback";
import { time } from "../../ui/format";
import { DiffView } from "../projects/DiffView";

const told = (detail: unknown): string =>
  typeof detail !== "object" || detail === null
    ? ""
    : Object.entries(detail)
        .filter(([, value]) => value !== null && value !== "" && typeof value !== "object")
        .map(([key, value]) => `${key.replaceAll("_", " ")}: ${value}`)
        .join(" · ");

/** What happened to a task, the first at the top. */
export function TaskTimeline({ taskId }: { taskId: string }) {
  const { t } = useTranslation();
  const { query, rows } = usePaged(["timeline", taskId], (token) =>
    unwrap(
      api.GET("/api/tasks/{task_id}/timeline", {
        params: { path: { task_id: taskId }, query: { limit: 100, ...after(token) } },
      }),
    ),
  );
  return (
    <Pending query={query}>
      {rows.length === 0 ? (
        <Empty title={t("console.nothingFound")} />
      ) : (
        <Timeline bulletSize={14} lineWidth={2} active={rows.length} aria-label={t("console.timeline")}>
          {rows.map((row, at) => (
            <Timeline.Item
              // biome-ignore lint/suspicious/noArrayIndexKey: events have no name but their place
              key={at}
              title={t(`console.event.${row.kind}`, row.kind.replaceAll("_", " "))}
            >
              <Text size="xs" c="dimmed">
                {[time(row.at), row.actor].filter(Boolean).join(" · ")}
              </Text>
              {told(row.detail) !== "" && (
                <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                  {told(row.detail)}
                </Text>
              )}
            </Timeline.Item>
          ))}
        </Timeline>
      )}
      {query.hasNextPage && (
        <Button size="xs" variant="default" mt="sm" onClick={() => void query.fetchNextPage()}>
          {t("app.more")}
        </Button>
      )}
    </Pending>
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
