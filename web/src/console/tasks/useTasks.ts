/** Pages of tasks as one growing list. Rows keep only what the table shows, so that hundreds of thousands fit into memory. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, unwrap } from "../../api/client";
import { useSession } from "../../api/session";
import type { Task, TaskFilters } from "./filters";

export type TaskRow = Pick<
  Task,
  | "task_id"
  | "type"
  | "status"
  | "project"
  | "batch"
  | "created_at"
  | "updated_at"
  | "completed_at"
  | "tags"
  | "unique_id"
  | "customer_review_status"
  | "priority"
  | "work_started"
>;

function slim(task: Task): TaskRow {
  const { task_id, type, status, created_at, updated_at, priority, work_started } = task;
  const row: Record<string, unknown> = {
    task_id,
    type,
    status,
    created_at,
    updated_at,
    priority,
    work_started,
  };
  for (const key of [
    "project",
    "batch",
    "completed_at",
    "tags",
    "unique_id",
    "customer_review_status",
  ] as const)
    if (task[key] !== undefined) row[key] = task[key];
  return row as TaskRow;
}

export function useTasks(filters: TaskFilters) {
  const mode = useSession((s) => s.mode);
  const query = useInfiniteQuery({
    queryKey: ["tasks", mode, filters],
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }) => {
      const page = await unwrap(
        api.GET("/v1/tasks", {
          params: {
            query: {
              ...filters,
              limit: 100,
              ...(pageParam === null ? {} : { next_token: pageParam }),
            } as never,
          },
          signal,
        }),
      );
      return {
        rows: (page.docs as unknown as Task[]).map(slim),
        total: page.total,
        next: page.has_more ? (page.next_token ?? null) : null,
      };
    },
    getNextPageParam: (page) => page.next,
    refetchOnWindowFocus: false,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.rows) ?? [], [query.data]);
  return { query, rows, total: query.data?.pages.at(-1)?.total ?? 0 };
}
