/** Server state: one client, keys that begin with the mode, so that live and test never mix. */

import { MutationCache, QueryClient } from "@tanstack/react-query";
import { api, unwrap } from "./client";
import { ApiError } from "./errors";

export const queryClient = new QueryClient({
  mutationCache: new MutationCache(),
  defaultOptions: {
    queries: {
      // without a network a page says so; else it would wait for one in silence
      networkMode: "always",
      refetchOnReconnect: true,
      staleTime: 15_000,
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status < 500),
      refetchOnWindowFocus: true,
    },
    mutations: { networkMode: "always" },
  },
});

export const projects = (archived?: boolean) => ({
  queryKey: ["projects", archived ?? "all"],
  queryFn: () =>
    unwrap(api.GET("/v1/projects", { params: { query: archived === undefined ? {} : { archived } } })),
});

export const project = (name: string) => ({
  queryKey: ["project", name],
  queryFn: () => unwrap(api.GET("/v1/projects/{name}", { params: { path: { name } } })),
});

export const workflow = (name: string) => ({
  queryKey: ["workflow", name],
  queryFn: () => unwrap(api.GET("/api/projects/{name}/workflow", { params: { path: { name } } })),
});

export const studioBatches = () => ({
  queryKey: ["studioBatches"],
  queryFn: () => unwrap(api.GET("/v1/studio/batches")),
});

/** Number of tasks with these filters; the server keeps the counts. */
export const taskCount = (query: { project?: string; status?: string[]; batch?: string }) => ({
  queryKey: ["taskCount", query],
  queryFn: async () =>
    (
      await unwrap(
        api.GET("/v1/tasks", { params: { query: { ...query, limit: 1, limited_response: true } } }),
      )
    ).total,
});

export const teammates = () => ({
  queryKey: ["teams"],
  queryFn: () => unwrap(api.GET("/v1/teams")),
});

export const openapi = () => ({
  queryKey: ["openapi"],
  queryFn: async () => (await (await fetch("/openapi.json")).json()) as OpenApi,
  staleTime: Number.POSITIVE_INFINITY,
});

export interface OpenApi {
  readonly paths: Readonly<Record<string, unknown>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}
