import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, unwrap } from "../../api/client";

export interface BatchFilters {
  readonly project?: string | undefined;
  readonly status?: string | undefined;
}

export function useBatches({ project, status }: BatchFilters) {
  return useInfiniteQuery({
    queryKey: ["batches", project ?? null, status ?? null],
    initialPageParam: 0,
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/v1/batches", {
          params: {
            query: {
              detailed: true,
              limit: 100,
              offset: pageParam,
              ...(project === undefined ? {} : { project }),
              ...(status === undefined ? {} : { status }),
            },
          },
        }),
      ),
    getNextPageParam: (page) => (page.has_more ? page.offset + page.docs.length : null),
  });
}

/** Names of the newest batches, for choosing one. */
export function useBatchNames(project: string | undefined): string[] {
  const found = useQuery({
    queryKey: ["batchNames", project ?? null],
    queryFn: () =>
      unwrap(
        api.GET("/v1/batches", {
          params: { query: { limit: 100, ...(project === undefined ? {} : { project }) } },
        }),
      ),
  });
  return useMemo(() => [...new Set((found.data?.docs ?? []).map((batch) => batch.name))], [found.data]);
}
