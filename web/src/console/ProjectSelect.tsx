import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { projects } from "../api/queries";

interface ProjectSelectProps {
  readonly value: string | null;
  onChange(project: string | null): void;
  /** Archived ones, too. */
  readonly archived?: boolean;
  /** Its name stands above it instead of in it. */
  readonly labelled?: boolean;
  readonly width?: number;
}

/** Narrows a table to one project. */
export function ProjectSelect({ value, onChange, archived = false, ...look }: ProjectSelectProps) {
  const { t } = useTranslation();
  const found = useQuery(projects(archived ? undefined : false));
  const name = t("console.project");
  return (
    <Select
      {...(look.labelled === true ? { label: name } : { "aria-label": name, placeholder: name })}
      data={(found.data ?? []).map((project) => project.name)}
      value={value}
      onChange={onChange}
      searchable
      clearable
      clearButtonProps={{ "aria-label": t("console.clear") }}
      limit={200}
      size="xs"
      w={look.width ?? 240}
    />
  );
}
