/** Columns of the task table; which are shown is remembered by the browser. */

import { Badge, Group } from "@mantine/core";
import type { ReactNode } from "react";
import { time } from "../../ui/format";
import { StatusBadge } from "../../ui/StatusBadge";
import { fitting } from "./tags";
import type { TaskRow } from "./useTasks";

export interface Column {
  readonly id: string;
  readonly width: string;
  cell(row: TaskRow): ReactNode;
}

/** As many tags as can be read in the column, and how many more there are. */
function Tags({ of }: { of: readonly string[] }) {
  const { shown, more } = fitting(of);
  return (
    <Group gap={4} wrap="nowrap" title={of.join(", ")}>
      {shown.map((tag) => (
        <Badge key={tag} variant="outline" color="gray" size="sm" radius="sm" tt="none" miw={0}>
          {tag}
        </Badge>
      ))}
      {more > 0 && (
        <Badge variant="light" color="gray" size="sm" radius="sm" tt="none" style={{ flexShrink: 0 }}>
          +{more}
        </Badge>
      )}
    </Group>
  );
}

export const COLUMNS: readonly Column[] = [
  { id: "status", width: "7rem", cell: (row) => <StatusBadge status={row.status} /> },
  { id: "type", width: "minmax(9rem, 1fr)", cell: (row) => row.type },
  { id: "project", width: "minmax(8rem, 1.2fr)", cell: (row) => row.project ?? "" },
  { id: "batch", width: "minmax(8rem, 1.2fr)", cell: (row) => row.batch ?? "" },
  { id: "unique_id", width: "minmax(8rem, 1fr)", cell: (row) => row.unique_id ?? "" },
  {
    id: "tags",
    width: "minmax(8rem, 1fr)",
    cell: (row) => <Tags of={row.tags ?? []} />,
  },
  {
    id: "review",
    width: "7rem",
    cell: (row) => (row.customer_review_status ? <StatusBadge status={row.customer_review_status} /> : ""),
  },
  { id: "priority", width: "5rem", cell: (row) => row.priority },
  { id: "created_at", width: "11rem", cell: (row) => time(row.created_at) },
  { id: "completed_at", width: "11rem", cell: (row) => (row.completed_at ? time(row.completed_at) : "") },
  { id: "updated_at", width: "11rem", cell: (row) => time(row.updated_at) },
];

const KEY = "steelyard.taskColumns";
const USUAL = ["status", "type", "project", "batch", "tags", "review", "created_at", "completed_at"];

export function keptColumns(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    if (Array.isArray(kept)) return kept.filter((id) => COLUMNS.some((column) => column.id === id));
  } catch {
    // Something else wrote it: the usual columns.
  }
  return USUAL;
}

export function keepColumns(ids: readonly string[]): void {
  localStorage.setItem(KEY, JSON.stringify(ids));
}
