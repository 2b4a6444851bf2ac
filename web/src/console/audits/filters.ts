/** Filters of the audits, as they stand in the address. */

export const SOURCES = ["sample", "all", "accepted", "fixed", "commented", "rejected"] as const;
export type Source = (typeof SOURCES)[number];

export interface AuditFilters {
  readonly source: Source;
  readonly project?: string;
  readonly batch?: string;
}

/** What of an address's search are filters; anything else is left out. */
export function auditFilters(search: Readonly<Record<string, unknown>>): AuditFilters {
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
  const [project, batch] = [text(search.project), text(search.batch)];
  return {
    source: SOURCES.find((source) => source === search.source) ?? "all",
    ...(project === undefined ? {} : { project }),
    ...(batch === undefined ? {} : { batch }),
  };
}
