/** Which completed tasks to audit: the project's random sample, everything that waits, or those with a verdict already. */

import { api, type Schemas, unwrap } from "../../api/client";
import type { Task } from "../tasks/filters";
import type { AuditFilters } from "./filters";

const MOST = 100;

/** The newest hundred of them, by id; `more` where there are others. */
export const auditQueue = (filters: AuditFilters) => ({
  queryKey: ["auditQueue", filters],
  queryFn: async (): Promise<{ ids: string[]; more: boolean }> => {
    const { source, ...where } = filters;
    if (source === "sample" || source === "all") {
      const query = { ...where, limit: MOST, ...(source === "all" ? { sample: 1 } : {}) };
      const page = await unwrap(api.GET("/api/audits/queue", { params: { query } }));
      return { ids: page.items.map((item) => item.task_id), more: page.next_token !== null };
    }
    const query = { ...where, status: ["completed"], customer_review_status: [source], limit: MOST };
    const page = await unwrap(api.GET("/v1/tasks", { params: { query } }));
    return { ids: (page.docs as unknown as Task[]).map((task) => task.task_id), more: page.has_more };
  },
});

export const auditedTask = (taskId: string) => ({
  queryKey: ["task", taskId],
  queryFn: () => unwrap(api.GET("/v1/task/{task_id}", { params: { path: { task_id: taskId } } })),
});

export const taskMedia = (taskId: string) => ({
  queryKey: ["taskMedia", taskId],
  queryFn: () => unwrap(api.GET("/api/tasks/{task_id}/media", { params: { path: { task_id: taskId } } })),
  staleTime: 60_000,
});

/** Gives the verdict on a task. */
export function audit(taskId: string, given: Schemas["AuditTask"]): Promise<unknown> {
  return unwrap(
    api.POST("/api/tasks/{task_id}/audit", { params: { path: { task_id: taskId } }, body: given }),
  );
}
