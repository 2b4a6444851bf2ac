import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";

export interface PageOf<T> {
  readonly items: readonly T[];
  readonly next_token?: string | null;
}

/** Pages of `{items, next_token}` as one growing list. */
export function usePaged<T>(
  key: readonly unknown[],
  fetchPage: (token: string | null) => Promise<PageOf<T>>,
  options: { refetchInterval?: number | false } = {},
) {
  const query = useInfiniteQuery({
    queryKey: key,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) => fetchPage(pageParam),
    getNextPageParam: (page) => page.next_token ?? null,
    refetchInterval: options.refetchInterval ?? false,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { query, rows };
}

/** The query's part that asks for the next page. */
export const after = (token: string | null): { next_token?: string } =>
  token === null ? {} : { next_token: token };
