import { Group } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** The row of fields above a table that says which rows are shown. */
export function Filters({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <Group gap="xs" mb="sm" align="end" role="search" aria-label={t("console.filters")}>
      {children}
    </Group>
  );
}
