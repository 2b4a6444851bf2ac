import { Button, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { Problem, told } from "../../ui/feedback";
import { JsonField } from "../schema/JsonField";
import type { Json } from "../schema/schema";
import type { Task } from "./filters";

/** The customer's own metadata of a task; it may be changed at any time. */
export function EditMetadata({ task, onChanged }: { task: Task; onChanged: () => void }) {
  const { t } = useTranslation();
  const held = (task.metadata ?? {}) as Json;
  const [given, setGiven] = useState<Json | undefined>(held);
  const save = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/v1/task/{task_id}/setMetadata", {
          params: { path: { task_id: task.task_id } },
          body: (given ?? {}) as never,
        }),
      ),
    onSuccess: () => {
      told(t("console.saved"));
      onChanged();
    },
  });
  const changed = JSON.stringify(given ?? {}) !== JSON.stringify(held);
  return (
    <Stack gap="sm">
      <JsonField label={t("console.metadata")} value={held} rows={8} onChange={setGiven} />
      <Problem error={save.error} />
      <Button
        size="xs"
        style={{ alignSelf: "start" }}
        disabled={!changed}
        loading={save.isPending}
        onClick={() => save.mutate()}
      >
        {t("console.save")}
      </Button>
    </Stack>
  );
}
