import { Box, Button, Table } from "@mantine/core";
import type { CSSProperties, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Empty, Pending } from "./feedback";

export interface DataColumn<T> {
  readonly title: string;
  /** Numbers stand at the end of their cell. */
  readonly numeric?: boolean;
  /** Short words that are not broken into lines. */
  readonly whole?: boolean;
  cell(row: T): ReactNode;
}

interface DataTableProps<T> {
  readonly label: string;
  readonly columns: readonly DataColumn<T>[];
  readonly rows: readonly T[];
  readonly empty: string;
  readonly emptyHint?: string;
  readonly query: {
    isPending: boolean;
    error: unknown;
    refetch: () => unknown;
    hasNextPage?: boolean;
    isFetchingNextPage?: boolean;
    fetchNextPage?: () => unknown;
  };
  idOf(row: T): string | number;
}

function styleOf(column: { readonly numeric?: boolean; readonly whole?: boolean }): CSSProperties {
  if (column.numeric) return { fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" };
  // Wide enough that only what is longer than a word of any language is broken within it; the panel scrolls where all that is too much.
  return column.whole ? { whiteSpace: "nowrap" } : { overflowWrap: "anywhere", minWidth: "9rem" };
}

/** A table of a few hundred rows at most, with its waiting, empty and failed states and a button for more. */
export function DataTable<T>({ label, columns, rows, empty, emptyHint, query, idOf }: DataTableProps<T>) {
  const { t } = useTranslation();
  return (
    <Pending query={query}>
      {rows.length === 0 ? (
        <Box className="sy-panel">
          <Empty title={empty}>{emptyHint}</Empty>
        </Box>
      ) : (
        <Box className="sy-panel" style={{ overflowX: "auto" }}>
          <Table aria-label={label}>
            <Table.Thead>
              <Table.Tr>
                {columns.map((column, at) => (
                  <Table.Th
                    // biome-ignore lint/suspicious/noArrayIndexKey: a column of actions has no title
                    key={at}
                    ta={column.numeric ? "end" : "start"}
                  >
                    {column.title || <span className="sy-hidden">{t("console.actions")}</span>}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Table.Tr key={idOf(row)}>
                  {columns.map((column, at) => (
                    <Table.Td
                      // biome-ignore lint/suspicious/noArrayIndexKey: columns keep their places
                      key={at}
                      ta={column.numeric ? "end" : "start"}
                      style={styleOf(column)}
                    >
                      {column.cell(row)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Box>
      )}
      {query.hasNextPage && (
        <Button
          mt="sm"
          variant="default"
          loading={query.isFetchingNextPage ?? false}
          onClick={() => void query.fetchNextPage?.()}
        >
          {t("app.more")}
        </Button>
      )}
    </Pending>
  );
}
