import { List, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { LocalDraft } from "./local";

/** Work that only this device has: it is opened with its task, if that can still be had. */
export function Stranded({ drafts }: { readonly drafts: readonly LocalDraft[] }) {
  const { t } = useTranslation();
  if (drafts.length === 0) return null;
  return (
    <div>
      <Text size="sm">{t("workbench.stranded", { count: drafts.length })}</Text>
      <List size="sm">
        {drafts.slice(0, 10).map((draft) => (
          <List.Item key={draft.key}>
            <a href={`/work?task_id=${encodeURIComponent(draft.taskId)}`}>{draft.taskId}</a>{" "}
            {new Date(draft.changedAt).toLocaleString()}
          </List.Item>
        ))}
      </List>
    </div>
  );
}
