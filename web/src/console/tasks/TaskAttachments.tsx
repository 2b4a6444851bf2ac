import { Anchor, Button, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { DataTable } from "../../ui/DataTable";
import { told, toldProblem } from "../../ui/feedback";
import { bytes, number } from "../../ui/format";
import { StatusBadge } from "../../ui/StatusBadge";
import type { Task } from "./filters";

const isWeb = (url: string) => /^https?:\/\//.test(url);

/** What came of a task's files; those of a task in error can be fetched again. */
export function TaskAttachments({ task, onChanged }: { task: Task; onChanged: () => void }) {
  const { t } = useTranslation();
  const path = { task_id: task.task_id };
  const { query, rows } = usePaged(["attachments", task.task_id], (token) =>
    unwrap(
      api.GET("/api/tasks/{task_id}/attachments", {
        params: { path, query: { limit: 100, ...after(token) } },
      }),
    ),
  );
  const again = useMutation({
    mutationFn: () => unwrap(api.POST("/api/tasks/{task_id}/reprocess", { params: { path } })),
    onSuccess: () => {
      told(t("console.reprocessing"));
      void query.refetch();
      onChanged();
    },
    onError: toldProblem,
  });
  return (
    <>
      {task.status === "error" && (
        <Button size="xs" mb="sm" loading={again.isPending} onClick={() => again.mutate()}>
          {t("console.reprocess")}
        </Button>
      )}
      <DataTable
        label={t("console.attachments")}
        query={query}
        rows={rows}
        idOf={(row) => row.path}
        empty={t("console.noAttachments")}
        emptyHint={t("console.noAttachmentsHint")}
        columns={[
          {
            title: t("console.column.status"),
            whole: true,
            cell: (row) => <StatusBadge status={row.state} />,
          },
          {
            title: t("console.file"),
            cell: (row) => (
              <>
                <Text size="xs" className="sy-mono">
                  {row.path}
                </Text>
                {isWeb(row.url) ? (
                  <Anchor href={row.url} target="_blank" rel="noreferrer noopener" size="xs">
                    {row.url}
                  </Anchor>
                ) : (
                  <Text size="xs" c="dimmed">
                    {row.url}
                  </Text>
                )}
                {row.message !== null && (
                  <Text size="xs" c="var(--mantine-color-error)">
                    {[row.status_code, row.message].filter(Boolean).join(" · ")}
                  </Text>
                )}
              </>
            ),
          },
          { title: t("console.kind"), cell: (row) => row.mime_type ?? row.media },
          {
            title: t("console.size"),
            numeric: true,
            cell: (row) =>
              [
                row.size_bytes === null ? "" : bytes(row.size_bytes),
                row.width === null || row.height === null
                  ? ""
                  : `${number(row.width)} × ${number(row.height)}`,
              ]
                .filter(Boolean)
                .join(" · "),
          },
        ]}
      />
    </>
  );
}
