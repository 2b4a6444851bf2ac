import { ActionIcon, Anchor, Badge, Group, Menu, Table } from "@mantine/core";
import { IconDots, IconFlagCheck, IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { told, toldProblem } from "../../ui/feedback";
import { ago, number } from "../../ui/format";
import { ProgressLine } from "../../ui/ProgressLine";
import { StatusBadge } from "../../ui/StatusBadge";

type Batch = Schemas["WireBatch"];

export function BatchTable({ rows, onChanged }: { rows: readonly Batch[]; onChanged: () => void }) {
  const { t } = useTranslation();
  const finalize = useMutation({
    mutationFn: (name: string) =>
      unwrap(api.POST("/v1/batches/{name}/finalize", { params: { path: { name } }, body: {} })),
    onSuccess: () => {
      told(t("console.finalized"));
      onChanged();
    },
    onError: toldProblem,
  });
  const hold = useMutation({
    mutationFn: ({ name, verb }: { name: string; verb: "pause" | "resume" }) =>
      unwrap(api.POST(`/api/batches/{name}/${verb}`, { params: { path: { name } } })),
    onSuccess: (_, { verb }) => {
      told(t(verb === "pause" ? "console.batchPaused" : "console.batchResumed"));
      onChanged();
    },
    onError: toldProblem,
  });
  return (
    <Table>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t("console.batch")}</Table.Th>
          <Table.Th>{t("console.project")}</Table.Th>
          <Table.Th>{t("console.column.status")}</Table.Th>
          <Table.Th>{t("console.progress")}</Table.Th>
          <Table.Th>{t("console.status.error")}</Table.Th>
          <Table.Th>{t("console.column.created_at")}</Table.Th>
          <Table.Th aria-label={t("console.actions")} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((batch) => {
          const [done, failed] = [batch.completed ?? 0, batch.error ?? 0];
          const total = (batch.pending ?? 0) + done + failed;
          return (
            <Table.Tr key={batch.id}>
              <Table.Td>
                <Group gap={6}>
                  <Anchor
                    component={Link}
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
              </Table.Td>
              <Table.Td>{batch.project}</Table.Td>
              <Table.Td>
                <StatusBadge status={batch.status} />
              </Table.Td>
              <Table.Td>
                <ProgressLine done={done} total={total} label={batch.name} />
              </Table.Td>
              <Table.Td>{failed > 0 ? number(failed) : ""}</Table.Td>
              <Table.Td>{ago(batch.created_at)}</Table.Td>
              <Table.Td>
                {["staging", "in_progress", "paused"].includes(batch.status) && (
                  <Menu position="bottom-end">
                    <Menu.Target>
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        aria-label={t("console.actionsOf", { name: batch.name })}
                      >
                        <IconDots size={16} aria-hidden />
                      </ActionIcon>
                    </Menu.Target>
                    <Menu.Dropdown>
                      {batch.status === "staging" && (
                        <Menu.Item
                          leftSection={<IconFlagCheck size={16} aria-hidden />}
                          onClick={() => finalize.mutate(batch.name)}
                        >
                          {t("console.finalize")}
                        </Menu.Item>
                      )}
                      {batch.status === "in_progress" && (
                        <Menu.Item
                          leftSection={<IconPlayerPause size={16} aria-hidden />}
                          onClick={() => hold.mutate({ name: batch.name, verb: "pause" })}
                        >
                          {t("console.pause")}
                        </Menu.Item>
                      )}
                      {batch.status === "paused" && (
                        <Menu.Item
                          leftSection={<IconPlayerPlay size={16} aria-hidden />}
                          onClick={() => hold.mutate({ name: batch.name, verb: "resume" })}
                        >
                          {t("console.resume")}
                        </Menu.Item>
                      )}
                    </Menu.Dropdown>
                  </Menu>
                )}
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}
