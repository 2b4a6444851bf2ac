import { Button, Checkbox, Drawer, Group, Menu, Text } from "@mantine/core";
import { IconColumns3, IconRefresh } from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Empty, Problem, Waiting } from "../../ui/feedback";
import { number } from "../../ui/format";
import { Page } from "../../ui/Page";
import { BulkBar } from "./BulkBar";
import { BulkByFilter } from "./BulkByFilter";
import { COLUMNS, keepColumns, keptColumns } from "./columns";
import { FilterBar } from "./FilterBar";
import { filterCount, type TaskFilters } from "./filters";
import { TaskDetail } from "./TaskDetail";
import { TaskTable } from "./TaskTable";
import { useTasks } from "./useTasks";

/** The table of all tasks. */
export default function TasksPage() {
  const { t } = useTranslation();
  const filters = useSearch({ from: "/session/shell/console/tasks" });
  const navigate = useNavigate();
  const { query, rows, total } = useTasks(filters);
  const [shown, setShown] = useState(keptColumns);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState<string | null>(null);
  const [changing, setChanging] = useState(false);
  const columns = useMemo(() => COLUMNS.filter((column) => shown.includes(column.id)), [shown]);
  const { fetchNextPage, refetch } = query;
  const onMore = useCallback(() => void fetchNextPage({ cancelRefetch: false }), [fetchNextPage]);

  const onChanged = useCallback(() => void refetch(), [refetch]);

  function filter(next: TaskFilters) {
    setSelected(new Set());
    void navigate({ to: "/console/tasks", search: next, replace: true });
  }
  function choose(ids: string[]) {
    setShown(ids);
    keepColumns(ids);
  }
  function step(by: number) {
    const at = rows.findIndex((row) => row.task_id === open);
    const next = rows[at + by];
    if (next !== undefined) setOpen(next.task_id);
  }
  /** Leads back to the row of the task that was looked at last, which need not be the one that was opened first. */
  function close() {
    const row = document.getElementById(`task-${open}`);
    setOpen(null);
    setTimeout(() => row?.focus({ preventScroll: true }), 0);
  }
  return (
    <Page
      full
      title={t("app.nav.tasks")}
      actions={
        <>
          <Text size="sm" c="dimmed" aria-live="polite" data-testid="task-total">
            {query.data !== undefined && t("console.taskTotal", { count: total, shown: number(total) })}
          </Text>
          {filterCount(filters) > 0 && total > 0 && (
            <Button size="xs" variant="default" onClick={() => setChanging(true)}>
              {t("console.changeAll", { count: total, shown: number(total) })}
            </Button>
          )}
          <Menu position="bottom-end" closeOnItemClick={false}>
            <Menu.Target>
              <Button size="xs" variant="default" leftSection={<IconColumns3 size={14} aria-hidden />}>
                {t("console.columns")}
              </Button>
            </Menu.Target>
            <Menu.Dropdown p="sm">
              <Checkbox.Group value={shown} onChange={choose} aria-label={t("console.columns")}>
                {COLUMNS.map(({ id }) => (
                  <Checkbox key={id} value={id} label={t(`console.column.${id}`)} size="xs" mb={6} />
                ))}
              </Checkbox.Group>
            </Menu.Dropdown>
          </Menu>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh size={14} aria-hidden />}
            onClick={() => void refetch()}
          >
            {t("console.refresh")}
          </Button>
        </>
      }
    >
      <FilterBar filters={filters} onChange={filter} />
      <BulkBar
        selected={selected}
        onDone={() => {
          setSelected(new Set());
          void refetch();
        }}
      />
      {query.error ? (
        <Problem error={query.error} onRetry={() => void refetch()} />
      ) : query.isPending ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Empty title={t("console.noTasks")}>
          {t(filterCount(filters) > 0 ? "console.noTasksFiltered" : "console.noTasksHint")}
        </Empty>
      ) : (
        <TaskTable
          rows={rows}
          total={total}
          columns={columns}
          selected={selected}
          current={open}
          more={query.hasNextPage}
          loading={query.isFetchingNextPage}
          onMore={onMore}
          onSelect={setSelected}
          onOpen={setOpen}
        />
      )}
      <BulkByFilter
        opened={changing}
        filters={filters}
        total={total}
        onClose={() => setChanging(false)}
        onDone={onChanged}
      />
      <Drawer
        opened={open !== null}
        onClose={close}
        returnFocus={false}
        position="right"
        size="46rem"
        title={
          <Group gap="xs">
            <Text fw={650}>{t("console.task")}</Text>
            <Text className="sy-mono">{open}</Text>
          </Group>
        }
        overlayProps={{ backgroundOpacity: 0.15 }}
        closeButtonProps={{ "aria-label": t("app.close") }}
      >
        {open !== null && <TaskDetail taskId={open} onStep={step} />}
      </Drawer>
    </Page>
  );
}
