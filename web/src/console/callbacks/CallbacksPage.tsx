import { Anchor, Button, Drawer, MultiSelect, SegmentedControl, Text, TextInput } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { DataTable } from "../../ui/DataTable";
import { Filters } from "../../ui/Filters";
import { told, toldProblem } from "../../ui/feedback";
import { ago, time } from "../../ui/format";
import { Page } from "../../ui/Page";
import { StatusBadge } from "../../ui/StatusBadge";
import { CallbackDetail } from "./CallbackDetail";

type State = Schemas["CallbackEvent"]["state"];
const STATES: readonly State[] = ["pending", "delivered", "failed", "undeliverable"];
const TIMES = ["created_after", "created_before"] as const;

/** Every message to customers: whether it came, what their server said, and sending it again. */
export default function CallbacksPage() {
  const { t } = useTranslation();
  const [states, setStates] = useState<State[]>([]);
  const [dead, setDead] = useState("all");
  const [taskId, setTaskId] = useState("");
  const [written, setWritten] = useState({ created_after: "", created_before: "" });
  const [open, setOpen] = useState<string | null>(null);
  const about = {
    ...(taskId.trim() === "" ? {} : { task_id: taskId.trim() }),
    ...Object.fromEntries(
      TIMES.filter((key) => written[key] !== "").map((key) => [key, new Date(written[key]).toISOString()]),
    ),
  };
  const filters = {
    ...(states.length > 0 ? { state: states } : {}),
    ...(dead === "dead" ? { dead: true } : {}),
    ...about,
  };
  const { query, rows } = usePaged(["callbacks", filters], (token) =>
    unwrap(
      api.GET("/api/callbacks", { params: { query: { ...filters, limit: 100, ...after(token) } as never } }),
    ),
  );
  const replay = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/callbacks/replay", {
          body: { state: states.length > 0 ? states : ["failed", "undeliverable"], ...about },
        }),
      ),
    onSuccess: () => told(t("console.replayStarted")),
    onError: toldProblem,
  });
  return (
    <Page
      title={t("app.nav.callbacks")}
      actions={
        <>
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} aria-hidden />}
            onClick={() => void query.refetch()}
          >
            {t("console.refresh")}
          </Button>
          <Button loading={replay.isPending} onClick={() => replay.mutate()}>
            {t(states.length > 0 ? "console.replayShown" : "console.replayFailed")}
          </Button>
        </>
      }
    >
      <Filters>
        <MultiSelect
          aria-label={t("console.column.status")}
          placeholder={states.length === 0 ? t("console.column.status") : ""}
          data={STATES.map((value) => ({ value, label: t(`console.status.${value}`) }))}
          value={states}
          onChange={(value) => setStates(value as State[])}
          size="xs"
          miw={220}
        />
        <TextInput
          aria-label={t("console.column.task_id")}
          placeholder={t("console.column.task_id")}
          value={taskId}
          onChange={(event) => setTaskId(event.currentTarget.value)}
          size="xs"
        />
        {TIMES.map((key) => (
          <TextInput
            key={key}
            type="datetime-local"
            label={t(`console.filter.${key}`)}
            value={written[key]}
            onChange={(event) => setWritten({ ...written, [key]: event.currentTarget.value })}
            size="xs"
          />
        ))}
        <SegmentedControl
          aria-label={t("console.show")}
          size="xs"
          value={dead}
          onChange={setDead}
          data={[
            { value: "all", label: t("console.all") },
            { value: "dead", label: t("console.dead") },
          ]}
        />
      </Filters>
      <DataTable
        label={t("app.nav.callbacks")}
        query={query}
        rows={rows}
        idOf={(row) => row.id}
        empty={t("console.noCallbacks")}
        emptyHint={t("console.noCallbacksHint")}
        columns={[
          {
            title: t("console.column.status"),
            whole: true,
            cell: (row) => <StatusBadge status={row.state} />,
          },
          {
            title: t("console.event"),
            whole: true,
            cell: (row) => (
              <Anchor component="button" size="sm" onClick={() => setOpen(row.id)}>
                {row.kind}
              </Anchor>
            ),
          },
          {
            title: t("console.about"),
            whole: true,
            cell: (row) =>
              row.task_id === null ? (
                (row.batch ?? "")
              ) : (
                <Anchor
                  component={Link}
                  size="sm"
                  className="sy-mono"
                  to="/console/tasks/$taskId"
                  params={{ taskId: row.task_id } as never}
                >
                  {row.task_id}
                </Anchor>
              ),
          },
          {
            title: t("console.target"),
            cell: (row) => (
              <Text size="sm" maw={320} truncate title={row.target}>
                {row.target}
              </Text>
            ),
          },
          { title: t("console.tries"), numeric: true, cell: (row) => row.attempts },
          { title: t("console.answer"), cell: (row) => row.error ?? row.status_code ?? "" },
          {
            title: t("console.column.created_at"),
            whole: true,
            cell: (row) => <span title={time(row.created_at)}>{ago(row.created_at)}</span>,
          },
        ]}
      />
      <Drawer
        opened={open !== null}
        onClose={() => setOpen(null)}
        position="right"
        size="40rem"
        title={t("console.callback")}
        closeButtonProps={{ "aria-label": t("app.close") }}
      >
        {open !== null && <CallbackDetail id={open} onReplayed={() => void query.refetch()} />}
      </Drawer>
    </Page>
  );
}
