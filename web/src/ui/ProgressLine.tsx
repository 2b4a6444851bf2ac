import { Group, Progress, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { number } from "./format";

/** Done of total as a bar and in words. */
export function ProgressLine({ done, total, label }: { done: number; total: number; label: string }) {
  const { t } = useTranslation();
  const value = total === 0 ? 0 : (done / total) * 100;
  return (
    <Group gap="xs" wrap="nowrap">
      <Progress value={value} w={96} size="sm" aria-label={label} style={{ flexShrink: 0 }} />
      <Text size="sm" style={{ whiteSpace: "nowrap", fontVariantNumeric: "tabular-nums" }}>
        {t("app.ofTotal", { done: number(done), total: number(total) })}
      </Text>
    </Group>
  );
}
