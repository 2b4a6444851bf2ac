import { Box, Checkbox, Loader, Text, UnstyledButton } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, useCallback, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Column } from "./columns";
import type { TaskRow } from "./useTasks";

interface TaskTableProps {
  readonly rows: readonly TaskRow[];
  readonly total: number;
  readonly columns: readonly Column[];
  readonly selected: ReadonlySet<string>;
  readonly current: string | null;
  readonly more: boolean;
  readonly loading: boolean;
  onMore(): void;
  onSelect(ids: ReadonlySet<string>): void;
  onOpen(id: string): void;
}

const ROW_REM = 2.25;
/** Rows to have ready below the last one shown, so that scrolling finds them there. */
const AHEAD = 400;

/** Only the rows in sight are in the page; more are fetched before they come into sight. */
export function TaskTable(props: TaskTableProps) {
  const { rows, columns, selected, current, more, loading, onMore, onSelect, onOpen } = props;
  const { t } = useTranslation();
  const scroller = useRef<HTMLDivElement>(null);
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_REM * rem,
    overscan: 20,
    getItemKey: useCallback((index: number) => rows[index]?.task_id ?? index, [rows]),
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !loading && last + AHEAD >= rows.length) onMore();
  }, [more, loading, last, rows.length, onMore]);
  const at = current === null ? -1 : rows.findIndex((row) => row.task_id === current);
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at);
  }, [at, virtual]);

  const now = useRef({ selected, onSelect });
  now.current = { selected, onSelect };
  const toggle = useCallback((id: string) => {
    const next = new Set(now.current.selected);
    if (!next.delete(id)) next.add(id);
    now.current.onSelect(next);
  }, []);
  function keys(event: KeyboardEvent<HTMLDivElement>) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-open]")];
    const from = buttons.indexOf(document.activeElement as HTMLElement);
    if (from < 0) return;
    event.preventDefault();
    buttons[from + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  }
  const template = `2.5rem 14.5rem ${columns.map((c) => c.width).join(" ")}`;
  const all = rows.length > 0 && rows.every((row) => selected.has(row.task_id));
  return (
    <Box
      ref={scroller}
      className="sy-panel sy-scroll"
      role="table"
      aria-label={t("app.nav.tasks")}
      aria-rowcount={props.total + 1}
      style={{ flex: 1, minHeight: 0 }}
      onKeyDown={keys}
      data-testid="task-table"
    >
      <Box style={{ minWidth: `${17 + columns.length * 8}rem` }}>
        <Box
          role="row"
          aria-rowindex={1}
          className="sy-row"
          style={{
            gridTemplateColumns: template,
            position: "sticky",
            top: 0,
            zIndex: 2,
            background: "var(--sy-panel)",
            height: `${ROW_REM}rem`,
          }}
        >
          <Box role="columnheader" className="sy-cell">
            <Checkbox
              size="xs"
              checked={all}
              indeterminate={!all && selected.size > 0}
              aria-label={t("console.selectLoaded")}
              onChange={() => onSelect(all ? new Set() : new Set(rows.map((row) => row.task_id)))}
            />
          </Box>
          <Text role="columnheader" className="sy-cell" size="xs" fw={650}>
            {t("console.column.task_id")}
          </Text>
          {columns.map((column) => (
            <Text key={column.id} role="columnheader" className="sy-cell" size="xs" fw={650}>
              {t(`console.column.${column.id}`)}
            </Text>
          ))}
        </Box>
        <Box role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {items.map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            return (
              <Row
                key={item.key}
                row={row}
                index={item.index}
                start={item.start}
                height={item.size}
                columns={columns}
                template={template}
                selected={selected.has(row.task_id)}
                current={row.task_id === current}
                onToggle={toggle}
                onOpen={onOpen}
              />
            );
          })}
        </Box>
        {loading && (
          <Box p="xs" style={{ textAlign: "center" }}>
            <Loader size="xs" aria-label={t("app.loading")} />
          </Box>
        )}
      </Box>
    </Box>
  );
}

interface RowProps {
  readonly row: TaskRow;
  readonly index: number;
  readonly start: number;
  readonly height: number;
  readonly columns: readonly Column[];
  readonly template: string;
  readonly selected: boolean;
  readonly current: boolean;
  onToggle(id: string): void;
  onOpen(id: string): void;
}

/** Drawn once: while the table scrolls only the rows that come into sight are new. */
const Row = memo(function Row(props: RowProps) {
  const { row, index, start, height, columns, template, selected, current, onToggle, onOpen } = props;
  const { t } = useTranslation();
  return (
    <Box
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      data-current={current || undefined}
      className="sy-row"
      style={{
        gridTemplateColumns: template,
        position: "absolute",
        insetInline: 0,
        top: 0,
        height,
        transform: `translateY(${start}px)`,
      }}
    >
      <Box role="cell" className="sy-cell">
        <Checkbox
          size="xs"
          checked={selected}
          aria-label={t("console.selectTask", { id: row.task_id })}
          onChange={() => onToggle(row.task_id)}
        />
      </Box>
      <Box role="cell" className="sy-cell">
        <UnstyledButton
          data-open
          id={`task-${row.task_id}`}
          className="sy-mono"
          c="var(--mantine-color-anchor)"
          onClick={() => onOpen(row.task_id)}
        >
          {row.task_id}
        </UnstyledButton>
      </Box>
      {columns.map((column) => (
        <Box key={column.id} role="cell" className="sy-cell">
          {column.cell(row)}
        </Box>
      ))}
    </Box>
  );
});
