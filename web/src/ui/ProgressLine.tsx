import { Group, Progress, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { number } from "./format";

interface ProgressLineProps {
  readonly done: number;
  readonly total: number;
  readonly label: string;
  /** How the two are written. */
  readonly shown?: (n: number) => string;
}

/** Done of total as a bar and in words. */
export function ProgressLine({ done, total, label, shown = number }: ProgressLineProps) {
  const { t } = useTranslation();
  const value = total === 0 ? 0 : (done / total) * 100;
  return (
    <Group gap="xs" wrap="nowrap">
      <Progress value={value} w={96} size="sm" aria-label={label} style={{ flexShrink: 0 }} />
      <Text size="sm" style={{ whiteSpace: "nowrap", fontVariantNumeric: "tabular-nums", minWidth: "5.5em" }}>
        {t("app.ofTotal", { done: shown(done), total: shown(total) })}
      </Text>
    </Group>
  );
}
