import { Anchor, Button, Group, Progress, Text } from "@mantine/core";
import { IconDownload, IconUpload } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { DataTable } from "../../ui/DataTable";
import { Email } from "../../ui/Email";
import { toldProblem } from "../../ui/feedback";
import { ago, bytes, number, share } from "../../ui/format";
import { Page } from "../../ui/Page";
import { StatusBadge } from "../../ui/StatusBadge";
import { NewTransfer } from "./NewTransfer";

type Transfer = Schemas["Transfer"];

const runs = (transfer: Transfer) => transfer.state === "running" || transfer.state === "waiting";

function Course({ transfer }: { transfer: Transfer }) {
  const { t } = useTranslation();
  const { progress, done, existing, refused } = transfer;
  return (
    <div>
      {runs(transfer) && (
        <Group gap="xs" wrap="nowrap">
          <Progress
            size="sm"
            w={160}
            animated={progress === null}
            value={progress === null ? 100 : progress * 100}
            aria-label={t("console.progress")}
          />
          {progress !== null && <Text size="sm">{share(progress)}</Text>}
        </Group>
      )}
      <Text size="sm">
        {t("console.transferCounts", {
          done: number(done),
          existing: number(existing),
          refused: number(refused),
        })}
      </Text>
      {transfer.error !== null && (
        <Text size="sm" c="var(--mantine-color-error)">
          {transfer.error}
        </Text>
      )}
      {transfer.problems.slice(0, 3).map((problem) => (
        <Text key={problem.line} size="xs" c="dimmed">
          {t("console.line", { line: problem.line })}: {problem.error}
        </Text>
      ))}
    </div>
  );
}

/** Files of tasks coming in and going out, with their progress. */
export default function TransfersPage() {
  const { t } = useTranslation();
  const [making, setMaking] = useState<"export" | "create" | null>(null);
  const [busy, setBusy] = useState(true);
  const { query, rows } = usePaged(
    ["transfers"],
    (token) => unwrap(api.GET("/api/transfers", { params: { query: { limit: 50, ...after(token) } } })),
    { refetchInterval: busy ? 2000 : false },
  );
  if (busy !== (query.isPending || rows.some(runs))) setBusy(!busy);
  const cancel = useMutation({
    mutationFn: (id: string) =>
      unwrap(api.POST("/api/transfers/{transfer_id}/cancel", { params: { path: { transfer_id: id } } })),
    onError: toldProblem,
    onSettled: () => void query.refetch(),
  });
  return (
    <Page
      title={t("app.nav.transfers")}
      actions={
        <>
          <Button
            variant="default"
            leftSection={<IconUpload size={16} aria-hidden />}
            onClick={() => setMaking("create")}
          >
            {t("console.newImport")}
          </Button>
          <Button leftSection={<IconDownload size={16} aria-hidden />} onClick={() => setMaking("export")}>
            {t("console.newExport")}
          </Button>
        </>
      }
    >
      <DataTable
        label={t("app.nav.transfers")}
        query={query}
        rows={rows}
        idOf={(row) => row.id}
        empty={t("console.noTransfers")}
        emptyHint={t("console.noTransfersHint")}
        columns={[
          { title: t("console.kind"), whole: true, cell: (row) => t(`console.transfer.${row.kind}`) },
          {
            title: t("console.column.status"),
            whole: true,
            cell: (row) => <StatusBadge status={row.state} />,
          },
          { title: t("console.progress"), cell: (row) => <Course transfer={row} /> },
          { title: t("console.startedBy"), cell: (row) => <Email of={row.created_by} /> },
          { title: t("console.started"), whole: true, cell: (row) => ago(row.created_at) },
          {
            title: "",
            whole: true,
            cell: (row) => (
              <Group gap="xs" justify="end" wrap="nowrap">
                {row.url !== null && (
                  <Anchor href={row.url} download size="sm">
                    {t("console.download", { size: bytes(row.size_bytes) })}
                  </Anchor>
                )}
                {runs(row) && (
                  <Button size="compact-sm" variant="default" onClick={() => cancel.mutate(row.id)}>
                    {t("console.cancel")}
                  </Button>
                )}
              </Group>
            ),
          },
        ]}
      />
      <NewTransfer kind={making} onClose={() => setMaking(null)} onStarted={() => void query.refetch()} />
    </Page>
  );
}
