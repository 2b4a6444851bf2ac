import {
  Button,
  Checkbox,
  Modal,
  NumberInput,
  Progress,
  Select,
  Stack,
  TagsInput,
  Text,
} from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { Problem } from "../../ui/feedback";
import { number } from "../../ui/format";
import type { TaskFilters } from "./filters";

type Verb = Schemas["ChangeTasks"]["verb"];
const VERBS: readonly Verb[] = ["prioritize", "tag", "untag", "cancel", "recall"];
const LOOK_MS = 700;

interface BulkByFilterProps {
  readonly opened: boolean;
  readonly filters: TaskFilters | { readonly task_ids: readonly string[] };
  readonly total: number;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/** One change of all tasks that the filters match, or of those that are named: what, how many, a yes, and how far it has come. */
export function BulkByFilter({ opened, filters, total, onClose, onDone }: BulkByFilterProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("console.changeAll", { count: total, shown: number(total) })}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      {opened && <Steps filters={filters} total={total} onClose={onClose} onDone={onDone} />}
    </Modal>
  );
}

function Steps({ filters, total, onClose, onDone }: Omit<BulkByFilterProps, "opened">) {
  const { t } = useTranslation();
  const [verb, setVerb] = useState<Verb>("prioritize");
  const [priority, setPriority] = useState(20);
  const [tags, setTags] = useState<string[]>([]);
  const tagging = verb === "tag" || verb === "untag";
  const [begun, setBegun] = useState(false);
  const [sure, setSure] = useState(false);
  const start = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/bulk-changes", {
          body: {
            verb,
            filter: filters as Schemas["BulkFilter"],
            ...(verb === "prioritize" ? { priority } : {}),
            ...(tagging ? { tags } : {}),
            ...(verb === "cancel" ? { begun } : {}),
          },
        }),
      ),
  });
  if (start.data !== undefined) return <Course change={start.data} onClose={onClose} onDone={onDone} />;
  const grave = verb === "cancel" || verb === "recall";
  return (
    <Stack gap="sm">
      <Select
        label={t("console.action")}
        description={t(`console.bulk.${verb}.hint`)}
        data={VERBS.map((value) => ({ value, label: t(`console.bulk.${value}`) }))}
        value={verb}
        onChange={(value) => {
          setVerb((value as Verb | null) ?? "prioritize");
          setSure(false);
        }}
        allowDeselect={false}
      />
      {verb === "prioritize" && (
        <NumberInput
          label={t("console.column.priority")}
          description={t("console.priorityHint")}
          min={10}
          max={30}
          value={priority}
          onChange={(value) => setPriority(typeof value === "number" ? value : 20)}
        />
      )}
      {tagging && <TagsInput label={t("console.column.tags")} value={tags} onChange={setTags} maxTags={5} />}
      {verb === "cancel" && (
        <Checkbox
          label={t("console.cancelBegun")}
          checked={begun}
          onChange={(event) => setBegun(event.currentTarget.checked)}
        />
      )}
      <Checkbox
        label={t("console.sure", { count: total, shown: number(total) })}
        checked={sure}
        onChange={(event) => setSure(event.currentTarget.checked)}
      />
      <Problem error={start.error} />
      <Button
        color={grave ? "red" : undefined}
        disabled={!sure || (tagging && tags.length === 0)}
        loading={start.isPending}
        onClick={() => start.mutate()}
      >
        {t(`console.bulk.${verb}`)}
      </Button>
    </Stack>
  );
}

function Course({
  change,
  onClose,
  onDone,
}: {
  change: Schemas["TasksChange"];
  onClose: () => void;
  onDone: () => void;
}) {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ["bulkChange", change.id],
    queryFn: () =>
      unwrap(api.GET("/api/bulk-changes/{change_id}", { params: { path: { change_id: change.id } } })),
    initialData: change,
    refetchInterval: (query) => (query.state.data?.state === "running" ? LOOK_MS : false),
  });
  const now = found.data;
  const ended = now.state !== "running";
  useEffect(() => {
    if (ended) onDone();
  }, [ended, onDone]);
  return (
    <Stack gap="sm" aria-live="polite">
      <Progress
        value={now.total === 0 ? 100 : (now.seen / now.total) * 100}
        color={now.state === "failed" ? "red" : undefined}
        aria-label={t("console.progress")}
      />
      <Text size="sm">
        {t("console.bulkCourse", {
          seen: number(now.seen),
          total: number(now.total),
          changed: number(now.changed),
        })}
      </Text>
      {now.error !== null && (
        <Text size="sm" c="var(--mantine-color-error)">
          {now.error}
        </Text>
      )}
      {!ended && (
        <Text size="sm" c="dimmed">
          {t("console.mayClose")}
        </Text>
      )}
      <Button variant={ended ? "filled" : "default"} onClick={onClose}>
        {t("app.close")}
      </Button>
    </Stack>
  );
}
