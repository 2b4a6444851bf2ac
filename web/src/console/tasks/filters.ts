/** Filters of the task table: in the address, and as the server's query. */

import type { components } from "../../api/schema";

export type Task = components["schemas"]["WireTask"];

export const STATUSES = ["pending", "completed", "canceled", "error"] as const;
export const REVIEW_STATUSES = ["accepted", "fixed", "commented", "rejected", "pending"] as const;
const TIMES = [
  "created_after",
  "created_before",
  "completed_after",
  "completed_before",
  "updated_after",
  "updated_before",
] as const;
export type TimeFilter = (typeof TIMES)[number];
export const TIME_FILTERS: readonly TimeFilter[] = TIMES;

export interface TaskFilters extends Partial<Record<TimeFilter, string>> {
  readonly project?: string;
  readonly batch?: string;
  readonly type?: string;
  readonly status?: string[];
  readonly customer_review_status?: string[];
  readonly tags?: string[];
  readonly unique_id?: string[];
}

const LISTS = ["status", "customer_review_status", "tags", "unique_id"] as const;
const TEXTS = ["project", "batch", "type", ...TIMES] as const;

function listOf(value: unknown): string[] {
  const given = Array.isArray(value) ? value : [value];
  return given
    .map((v) => (typeof v === "number" ? String(v) : v))
    .filter((v): v is string => typeof v === "string" && v !== "");
}

/** What of an address's search are filters; anything else is left out. */
export function taskFilters(search: Readonly<Record<string, unknown>>): TaskFilters {
  const filters: Record<string, string | string[]> = {};
  for (const key of TEXTS) {
    const [value] = listOf(search[key]);
    if (value !== undefined) filters[key] = value;
  }
  for (const key of LISTS) {
    const values = listOf(search[key]);
    if (values.length > 0) filters[key] = values;
  }
  return filters as TaskFilters;
}

/** With one filter changed; empty values take it away. */
export function withFilter<K extends keyof TaskFilters>(
  filters: TaskFilters,
  key: K,
  value: TaskFilters[K] | undefined,
): TaskFilters {
  const changed: Record<string, unknown> = { ...filters };
  if (value === undefined || value === "" || (Array.isArray(value) && value.length === 0))
    delete changed[key];
  else changed[key] = value;
  // A batch belongs to one project: another project leaves it behind.
  if (key === "project" && filters.project !== value) delete changed.batch;
  return changed as TaskFilters;
}

export const filterCount = (filters: TaskFilters): number => Object.keys(filters).length;
