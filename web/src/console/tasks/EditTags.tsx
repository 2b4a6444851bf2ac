import { TagsInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { toldProblem } from "../../ui/feedback";
import type { Task } from "./filters";

/** A task's tags, changed as they are typed. */
export function EditTags({ task, onChanged }: { task: Task; onChanged: () => void }) {
  const { t } = useTranslation();
  const save = useMutation({
    mutationFn: (tags: string[]) =>
      unwrap(
        api.POST("/v1/task/{task_id}/tags", {
          params: { path: { task_id: task.task_id } },
          body: tags,
        }),
      ),
    onError: toldProblem,
    onSettled: onChanged,
  });
  return (
    <TagsInput
      aria-label={t("console.column.tags")}
      placeholder={(task.tags ?? []).length === 0 ? t("console.addWithEnter") : ""}
      value={save.isPending ? (save.variables ?? []) : (task.tags ?? [])}
      onChange={(tags) => save.mutate(tags)}
      maxTags={5}
      size="xs"
      maw={420}
    />
  );
}
