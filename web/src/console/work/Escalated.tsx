import { Button, Group, List, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { DataTable } from "../../ui/DataTable";
import { ago, number } from "../../ui/format";
import { TaskLink } from "../tasks/TaskLink";
import { Reassign } from "./Reassign";

/** Work that several people have skipped, with what they said. */
export function Escalated({ project }: { project: string | null }) {
  const { t } = useTranslation();
  const [giving, setGiving] = useState<string | null>(null);
  const filters = project === null ? {} : { project };
  const { query, rows } = usePaged(["escalated", filters], (token) =>
    unwrap(
      api.GET("/api/work/escalated", { params: { query: { ...filters, limit: 100, ...after(token) } } }),
    ),
  );
  return (
    <>
      <DataTable
        label={t("console.escalated")}
        query={query}
        rows={rows}
        idOf={(row) => row.id}
        empty={t("console.noEscalated")}
        emptyHint={t("console.noEscalatedHint")}
        columns={[
          { title: t("console.task"), cell: (row) => <TaskLink id={row.task_id} /> },
          { title: t("console.column.type"), cell: (row) => row.type },
          {
            title: t("console.project"),
            cell: (row) => [row.project, row.batch].filter(Boolean).join(" · "),
          },
          { title: t("console.figure.skips"), numeric: true, cell: (row) => number(row.skips) },
          {
            title: t("console.reason"),
            cell: (row) =>
              row.reasons.length === 0 ? (
                <Text size="sm" c="dimmed">
                  –
                </Text>
              ) : (
                <List size="sm" spacing={0}>
                  {row.reasons.map((reason, at) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: reasons are words that may be equal
                    <List.Item key={at}>{reason}</List.Item>
                  ))}
                </List>
              ),
          },
          { title: t("console.column.created_at"), whole: true, cell: (row) => ago(row.created_at) },
          {
            title: "",
            whole: true,
            cell: (row) => (
              <Group gap={6} justify="end" wrap="nowrap">
                <Button size="compact-xs" variant="default" onClick={() => setGiving(row.task_id)}>
                  {t("console.reassign")}
                </Button>
                <Button
                  size="compact-xs"
                  component={Link}
                  to="/work"
                  search={{ task_id: row.task_id } as never}
                >
                  {t("console.doIt")}
                </Button>
              </Group>
            ),
          },
        ]}
      />
      <Reassign taskId={giving} onClose={() => setGiving(null)} onDone={() => void query.refetch()} />
    </>
  );
}
