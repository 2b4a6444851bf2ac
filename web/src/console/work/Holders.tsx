import { Button, Group, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { DataTable } from "../../ui/DataTable";
import { Email } from "../../ui/Email";
import { ago, hours, time } from "../../ui/format";
import { TaskLink } from "../tasks/TaskLink";
import { Reassign } from "./Reassign";
import { TakeBack } from "./TakeBack";

const REFRESH_MS = 15_000;

/** Leases that are held now: how long, for how much longer, and taking the work away. */
export function Holders({ project, member }: { project: string | null; member: string }) {
  const { t } = useTranslation();
  const [taking, setTaking] = useState<{ id: number; email: string } | null>(null);
  const [giving, setGiving] = useState<string | null>(null);
  const filters = { ...(project === null ? {} : { project }), ...(member === "" ? {} : { member }) };
  const { query, rows } = usePaged(
    ["leases", filters],
    (token) =>
      unwrap(api.GET("/api/work/leases", { params: { query: { ...filters, limit: 100, ...after(token) } } })),
    { refetchInterval: REFRESH_MS },
  );
  const again = () => void query.refetch();
  return (
    <>
      <DataTable
        label={t("console.held")}
        query={query}
        rows={rows}
        idOf={(row) => row.id}
        empty={t("console.noHeld")}
        emptyHint={t("console.noHeldHint")}
        columns={[
          {
            title: t("console.holder"),
            cell: (row) => (
              <Text size="sm" fw={500}>
                <Email of={row.email} />
              </Text>
            ),
          },
          { title: t("console.kind"), whole: true, cell: (row) => t(`console.work.${row.kind}`) },
          { title: t("console.task"), whole: true, cell: (row) => <TaskLink id={row.task_id} /> },
          {
            title: t("console.project"),
            cell: (row) => [row.project, row.batch].filter(Boolean).join(" · "),
          },
          {
            title: t("console.since"),
            whole: true,
            cell: (row) => <span title={time(row.claimed_at)}>{ago(row.claimed_at)}</span>,
          },
          {
            title: t("console.leaseEnds"),
            whole: true,
            cell: (row) => <span title={time(row.lease_expires_at)}>{ago(row.lease_expires_at)}</span>,
          },
          { title: t("console.figure.time"), numeric: true, cell: (row) => hours(row.active_seconds) },
          {
            title: "",
            whole: true,
            cell: (row) => (
              <Group gap={6} justify="end" wrap="nowrap">
                {(row.kind === "label" || row.kind === "review") && (
                  <Button size="compact-xs" variant="default" onClick={() => setGiving(row.task_id)}>
                    {t("console.reassign")}
                  </Button>
                )}
                <Button size="compact-xs" variant="default" onClick={() => setTaking(row)}>
                  {t("console.takeBack")}
                </Button>
              </Group>
            ),
          },
        ]}
      />
      <TakeBack lease={taking} onClose={() => setTaking(null)} onDone={again} />
      <Reassign taskId={giving} onClose={() => setGiving(null)} onDone={again} />
    </>
  );
}
