import { Button, Group, MultiSelect, Popover, Select, SimpleGrid, TagsInput, TextInput } from "@mantine/core";
import { IconFilter, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { projects } from "../../api/queries";
import { useBatchNames } from "../batches/useBatches";
import { ProjectSelect } from "../ProjectSelect";
import {
  filterCount,
  REVIEW_STATUSES,
  STATUSES,
  type TaskFilters,
  TIME_FILTERS,
  withFilter,
} from "./filters";

interface FilterBarProps {
  readonly filters: TaskFilters;
  readonly onChange: (filters: TaskFilters) => void;
}

const local = (iso: string | undefined): string => {
  if (iso === undefined) return "";
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

/** Every filter that the API has; the everyday ones in sight, the rest behind a button. */
export function FilterBar({ filters, onChange }: FilterBarProps) {
  const { t } = useTranslation();
  const found = useQuery(projects());
  const batches = useBatchNames(filters.project);
  const types = useMemo(() => [...new Set((found.data ?? []).map((p) => p.type))].sort(), [found.data]);
  const set = <K extends keyof TaskFilters>(key: K, value: TaskFilters[K] | undefined) =>
    onChange(withFilter(filters, key, value));
  const state = (name: string) => ({ value: name, label: t(`console.status.${name}`) });
  const hidden = filterCount(filters) - ["project", "batch", "status"].filter((k) => k in filters).length;
  return (
    <Group gap="xs" mb="sm" wrap="wrap" role="search" aria-label={t("console.filters")}>
      <ProjectSelect
        value={filters.project ?? null}
        onChange={(value) => set("project", value ?? undefined)}
        archived
        width={200}
      />
      <Select
        aria-label={t("console.batch")}
        placeholder={t("console.batch")}
        data={batches}
        value={filters.batch ?? null}
        onChange={(value) => set("batch", value ?? undefined)}
        searchable
        clearable
        clearButtonProps={{ "aria-label": t("console.clear") }}
        limit={200}
        size="xs"
        w={200}
      />
      <MultiSelect
        aria-label={t("console.column.status")}
        placeholder={filters.status === undefined ? t("console.column.status") : ""}
        data={STATUSES.map(state)}
        value={filters.status ?? []}
        onChange={(value) => set("status", value)}
        size="xs"
        miw={180}
      />
      <Popover position="bottom-start" withArrow trapFocus width={420}>
        <Popover.Target>
          <Button size="xs" variant="default" leftSection={<IconFilter size={14} aria-hidden />}>
            {hidden > 0 ? t("console.moreFiltersSet", { count: hidden }) : t("console.moreFilters")}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <SimpleGrid cols={2} spacing="xs">
            <Select
              label={t("console.column.type")}
              data={types}
              value={filters.type ?? null}
              onChange={(value) => set("type", value ?? undefined)}
              comboboxProps={{ withinPortal: false }}
              clearable
              size="xs"
            />
            <MultiSelect
              label={t("console.column.review")}
              data={REVIEW_STATUSES.map(state)}
              value={filters.customer_review_status ?? []}
              onChange={(value) => set("customer_review_status", value)}
              comboboxProps={{ withinPortal: false }}
              size="xs"
            />
            <TagsInput
              label={t("console.column.tags")}
              value={filters.tags ?? []}
              onChange={(value) => set("tags", value)}
              size="xs"
            />
            <TagsInput
              label={t("console.column.unique_id")}
              value={filters.unique_id ?? []}
              onChange={(value) => set("unique_id", value)}
              size="xs"
            />
            {TIME_FILTERS.map((key) => (
              <TextInput
                key={key}
                type="datetime-local"
                label={t(`console.filter.${key}`)}
                value={local(filters[key])}
                onChange={(event) => {
                  const { value } = event.currentTarget;
                  set(key, value === "" ? undefined : new Date(value).toISOString());
                }}
                size="xs"
              />
            ))}
          </SimpleGrid>
        </Popover.Dropdown>
      </Popover>
      {filterCount(filters) > 0 && (
        <Button
          size="xs"
          variant="subtle"
          leftSection={<IconX size={14} aria-hidden />}
          onClick={() => onChange({})}
        >
          {t("console.clearFilters")}
        </Button>
      )}
    </Group>
  );
}
