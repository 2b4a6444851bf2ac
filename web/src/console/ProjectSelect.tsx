import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { projects } from "../api/queries";

interface ProjectSelectProps {
  readonly value: string | null;
  onChange(project: string | null): void;
  /** Archived ones, too. */
  readonly archived?: boolean;
}

/** Narrows a table to one project. */
export function ProjectSelect({ value, onChange, archived = false }: ProjectSelectProps) {
  const { t } = useTranslation();
  const found = useQuery(projects(archived ? undefined : false));
  return (
    <Select
      aria-label={t("console.project")}
      placeholder={t("console.project")}
      data={(found.data ?? []).map((project) => project.name)}
      value={value}
      onChange={onChange}
      searchable
      clearable
      clearButtonProps={{ "aria-label": t("console.clear") }}
      limit={200}
      size="xs"
      w={240}
    />
  );
}
