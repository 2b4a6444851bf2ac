import { ActionIcon, Anchor, Badge, Group, Menu } from "@mantine/core";
import { IconDots, IconFlagCheck, IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { DataTable } from "../../ui/DataTable";
import { told, toldProblem } from "../../ui/feedback";
import { ago, number } from "../../ui/format";
import { ProgressLine } from "../../ui/ProgressLine";
import { StatusBadge } from "../../ui/StatusBadge";
import type { useBatches } from "./useBatches";

type Batch = Schemas["WireBatch"];

export function BatchTable({ found }: { found: ReturnType<typeof useBatches> }) {
  const { t } = useTranslation();
  const total = (batch: Batch) => (batch.pending ?? 0) + (batch.completed ?? 0) + (batch.error ?? 0);
  return (
    <DataTable
      label={t("app.nav.batches")}
      query={found}
      rows={found.data?.pages.flatMap((page) => page.docs) ?? []}
      idOf={(batch) => batch.id}
      empty={t("console.noBatches")}
      emptyHint={t("console.noBatchesHint")}
      columns={[
        {
          title: t("console.batch"),
          cell: (batch) => (
            <Group gap={6}>
              <Anchor
                component={Link}
                size="sm"
                fw={500}
                to="/console/tasks"
                search={{ batch: batch.name, project: batch.project } as never}
              >
                {batch.name}
              </Anchor>
              {batch.calibration_batch && (
                <Badge size="xs" variant="light" color="amber" tt="none">
                  {t("console.calibration")}
                </Badge>
              )}
            </Group>
          ),
        },
        { title: t("console.project"), cell: (batch) => batch.project },
        {
          title: t("console.column.status"),
          whole: true,
          cell: (batch) => <StatusBadge status={batch.status} />,
        },
        {
          title: t("console.progress"),
          cell: (batch) => (
            <ProgressLine done={batch.completed ?? 0} total={total(batch)} label={batch.name} />
          ),
        },
        {
          title: t("console.status.error"),
          numeric: true,
          cell: (batch) => (batch.error ? number(batch.error) : ""),
        },
        { title: t("console.column.created_at"), whole: true, cell: (batch) => ago(batch.created_at) },
        {
          title: "",
          whole: true,
          cell: (batch) => <Actions batch={batch} onChanged={() => void found.refetch()} />,
        },
      ]}
    />
  );
}

/** What may be done with a batch as it stands: finalize, pause, resume. */
function Actions({ batch, onChanged }: { batch: Batch; onChanged: () => void }) {
  const { t } = useTranslation();
  const { name } = batch;
  const finalize = useMutation({
    mutationFn: () =>
      unwrap(api.POST("/v1/batches/{name}/finalize", { params: { path: { name } }, body: {} })),
    onSuccess: () => {
      told(t("console.finalized"));
      onChanged();
    },
    onError: toldProblem,
  });
  const hold = useMutation({
    mutationFn: (verb: "pause" | "resume") =>
      unwrap(api.POST(`/api/batches/{name}/${verb}`, { params: { path: { name } } })),
    onSuccess: (_, verb) => {
      told(t(verb === "pause" ? "console.batchPaused" : "console.batchResumed"));
      onChanged();
    },
    onError: toldProblem,
  });
  if (!["staging", "in_progress", "paused"].includes(batch.status)) return null;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t("console.actionsOf", { name })}>
          <IconDots size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {batch.status === "staging" && (
          <Menu.Item leftSection={<IconFlagCheck size={16} aria-hidden />} onClick={() => finalize.mutate()}>
            {t("console.finalize")}
          </Menu.Item>
        )}
        {batch.status === "in_progress" && (
          <Menu.Item
            leftSection={<IconPlayerPause size={16} aria-hidden />}
            onClick={() => hold.mutate("pause")}
          >
            {t("console.pause")}
          </Menu.Item>
        )}
        {batch.status === "paused" && (
          <Menu.Item
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
            onClick={() => hold.mutate("resume")}
          >
            {t("console.resume")}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
