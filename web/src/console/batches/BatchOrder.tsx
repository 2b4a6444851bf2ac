import { ActionIcon, Box, Button, Group, Stack, Text } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconGripVertical } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { studioBatches } from "../../api/queries";
import { Empty, Pending, told, toldProblem } from "../../ui/feedback";
import { ProgressLine } from "../../ui/ProgressLine";
import { moved } from "./order";

type Batch = Schemas["WireStudioBatch"];

/** The order of work: drag a batch, or move it by its buttons or Alt and arrow keys. */
export function BatchOrder() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const found = useQuery(studioBatches());
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const rows = found.data ?? [];

  const save = useMutation({
    mutationFn: (order: readonly Batch[]) =>
      unwrap(
        api.POST("/v1/studio/batches/set_priorities", {
          body: { batches: order.map(({ name }) => ({ name })) },
        }),
      ),
    onMutate: (order) => client.setQueryData(studioBatches().queryKey, [...order]),
    onError: toldProblem,
    onSettled: () => void client.invalidateQueries({ queryKey: studioBatches().queryKey }),
  });
  const reset = useMutation({
    mutationFn: () => unwrap(api.POST("/v1/studio/batches/reset_priorities")),
    onSuccess: () => told(t("console.orderReset")),
    onError: toldProblem,
    onSettled: () => void client.invalidateQueries({ queryKey: studioBatches().queryKey }),
  });
  function move(from: number, to: number) {
    const order = moved(rows, from, to);
    if (order === rows) return;
    setSaid(
      t("console.movedTo", { name: rows[from]?.name ?? "", place: order.indexOf(rows[from] as Batch) + 1 }),
    );
    save.mutate(order);
  }
  return (
    <Pending query={found}>
      {rows.length === 0 ? (
        <Empty title={t("console.noOrder")}>{t("console.noOrderHint")}</Empty>
      ) : (
        <Stack gap="sm">
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              {t("console.orderHint")}
            </Text>
            <Button size="xs" variant="default" loading={reset.isPending} onClick={() => reset.mutate()}>
              {t("console.resetOrder")}
            </Button>
          </Group>
          <Box component="ol" className="sy-panel" m={0} p={0} style={{ listStyle: "none" }}>
            {rows.map((batch, at) => (
              <Box
                component="li"
                key={batch.id}
                draggable
                className={over === at && dragged !== at ? "sy-row sy-drop" : "sy-row"}
                style={{
                  gridTemplateColumns: "auto 2rem 1fr auto auto",
                  gap: "0.5rem",
                  padding: "0.4rem 0.75rem",
                }}
                onDragStart={() => setDragged(at)}
                onDragOver={(event) => {
                  event.preventDefault();
                  setOver(at);
                }}
                onDragEnd={() => {
                  setDragged(null);
                  setOver(null);
                }}
                onDrop={() => {
                  if (dragged !== null) move(dragged, at);
                  setOver(null);
                }}
              >
                <IconGripVertical size={16} aria-hidden style={{ cursor: "grab" }} />
                <Text size="sm" c="dimmed">
                  {at + 1}
                </Text>
                <div>
                  <Text size="sm" fw={600}>
                    {batch.name}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {batch.projectName}
                    {batch.groups.length > 0 && ` · ${batch.groups.join(", ")}`}
                  </Text>
                </div>
                <ProgressLine done={batch.completed} total={batch.total} label={batch.name} />
                <Group gap={4} wrap="nowrap">
                  <ActionIcon
                    variant="default"
                    disabled={at === 0}
                    aria-label={t("console.moveUp", { name: batch.name })}
                    onClick={() => move(at, at - 1)}
                  >
                    <IconArrowUp size={14} aria-hidden />
                  </ActionIcon>
                  <ActionIcon
                    variant="default"
                    disabled={at === rows.length - 1}
                    aria-label={t("console.moveDown", { name: batch.name })}
                    onClick={() => move(at, at + 1)}
                  >
                    <IconArrowDown size={14} aria-hidden />
                  </ActionIcon>
                </Group>
              </Box>
            ))}
          </Box>
          <div aria-live="polite" className="mantine-visually-hidden">
            <Text size="xs" c="dimmed">
              {said}
            </Text>
          </div>
        </Stack>
      )}
    </Pending>
  );
}
