import { Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { DataTable } from "../../ui/DataTable";
import { Email } from "../../ui/Email";
import { hours, share, time } from "../../ui/format";

/** Who did what on a task, and how alike the answers of several people are. */
export function TaskAnswers({ taskId }: { taskId: string }) {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ["answers", taskId],
    queryFn: () => unwrap(api.GET("/api/tasks/{task_id}/answers", { params: { path: { task_id: taskId } } })),
  });
  const people = new Map((found.data?.items ?? []).map((item) => [item.id, item.email]));
  const agreements = found.data?.agreements ?? [];
  return (
    <Stack gap="sm">
      <DataTable
        label={t("console.attempts")}
        query={found}
        rows={found.data?.items ?? []}
        idOf={(row) => row.id}
        empty={t("console.noAttempts")}
        columns={[
          { title: t("console.actor"), cell: (row) => <Email of={row.email} /> },
          { title: t("console.kind"), whole: true, cell: (row) => t(`console.work.${row.kind}`) },
          {
            title: t("console.column.status"),
            whole: true,
            cell: (row) => t(`console.attempt.${row.verdict ?? row.state}`, row.verdict ?? row.state),
          },
          { title: t("console.reason"), cell: (row) => row.reason ?? "" },
          { title: t("console.when"), cell: (row) => time(row.ended_at ?? row.claimed_at) },
          { title: t("console.figure.time"), numeric: true, cell: (row) => hours(row.active_seconds) },
        ]}
      />
      {agreements.length > 0 && (
        <section>
          <Title order={3}>{t("console.agreement")}</Title>
          {agreements.map((pair) => (
            <Text size="sm" key={`${pair.attempt_a}-${pair.attempt_b}`}>
              {people.get(pair.attempt_a)} · {people.get(pair.attempt_b)}: {share(pair.score)}
            </Text>
          ))}
        </section>
      )}
    </Stack>
  );
}
