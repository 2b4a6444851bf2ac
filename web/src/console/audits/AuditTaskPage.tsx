import { Alert, Box, Button, Group, Kbd, Text, Textarea, Title } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import type { Command } from "../../commands/command";
import { CommandRegistry } from "../../commands/registry";
import { DocumentStore } from "../../document/store";
import {
  type Issue,
  loadTaskType,
  type MediaView,
  type Remark,
  type WireTask,
} from "../../task-types/registry";
import { Pending, Problem, told } from "../../ui/feedback";
import { useTitle } from "../../ui/title";
import { remarkCommand } from "../../workbench/commands";
import { KeySheet } from "../../workbench/KeySheet";
import { RemarksPanel } from "../../workbench/RemarksPanel";
import "../../workbench/workbench.css";
import { audit, auditedTask, auditQueue, taskMedia } from "./queue";

/** Looking closely at one completed task in its own editor: accept, fix, comment or reject, with remarks pinned to annotations. */
export default function AuditTaskPage() {
  const { t } = useTranslation();
  useTitle(t("app.nav.audits"));
  const { taskId } = useParams({ from: "/session/shell/console/audits/$taskId" });
  const task = useQuery(auditedTask(taskId));
  const media = useQuery(taskMedia(taskId));
  const module = useQuery({
    queryKey: ["taskType", task.data?.type],
    queryFn: () => loadTaskType(task.data?.type ?? ""),
    enabled: task.data !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const comments = useQuery({
    queryKey: ["comments", taskId],
    queryFn: () =>
      unwrap(api.GET("/api/tasks/{task_id}/comments", { params: { path: { task_id: taskId } } })),
  });
  const failed = [task, media, module, comments].find((query) => query.error);
  const waiting = { isPending: true, error: failed?.error ?? null, refetch: () => failed?.refetch() };
  if (!task.data || !media.data || !module.data || !comments.data)
    return (
      <Box p="lg">
        <Pending query={waiting}>{null}</Pending>
      </Box>
    );
  return (
    <Audit
      key={taskId}
      task={task.data as unknown as WireTask}
      media={media.data.items as unknown as MediaView[]}
      module={module.data}
      given={comments.data.items as unknown as Remark[]}
    />
  );
}

interface AuditProps {
  readonly task: WireTask;
  readonly media: readonly MediaView[];
  readonly module: Awaited<ReturnType<typeof loadTaskType>>;
  readonly given: readonly Remark[];
}

type Verdict = Schemas["AuditTask"]["result"];

function Audit({ task, media, module, given }: AuditProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const filters = useSearch({ from: "/session/shell/console/audits/$taskId" });
  const registry = useMemo(() => new CommandRegistry(), []);
  const before = useMemo(() => module.load(task, media, task.response ?? null), [module, task, media]);
  const store = useMemo(() => new DocumentStore(before), [before]);
  const memory = useMemo(() => new Map<string, unknown>(), []);
  const [own, setOwn] = useState<readonly Remark[]>([]);
  const [words, setWords] = useState("");
  const [issues, setIssues] = useState<readonly Issue[]>([]);
  const [keys, setKeys] = useState(false);
  const [asked, setAsked] = useState(0);
  const begun = useRef(Date.now());
  useSyncExternalStore(store.subscribe, store.snapshot);
  const changed = store.undoLabel !== null;

  const judge = useMutation({
    mutationFn: (result: Verdict) =>
      audit(task.task_id, {
        result,
        ...(words.trim() === "" ? {} : { comments: words.trim() }),
        pins: own.map(({ text, annotation_id }) => ({ text, annotation_id: annotation_id ?? null })),
        ...(result === "fixed" ? { response: module.buildResponse(store.doc, task, media) as never } : {}),
        seconds: Math.round((Date.now() - begun.current) / 1000),
      }),
    onSuccess: async () => {
      told(t("console.audited"));
      await client.invalidateQueries({ queryKey: ["auditQueue"] });
      client.removeQueries({ queryKey: ["task", task.task_id] });
      const queue = await client.fetchQuery(auditQueue(filters)).catch(() => null);
      const next = queue?.ids.find((id) => id !== task.task_id);
      if (next === undefined) await navigate({ to: "/console/audits", search: filters });
      else await navigate({ to: "/console/audits/$taskId", params: { taskId: next }, search: filters });
    },
  });
  const { mutate } = judge;
  const decide = useCallback(
    (result: Verdict) => {
      const found = result === "fixed" ? module.check(store.doc, task, media) : [];
      setIssues(found);
      if (found.length === 0) mutate(result);
    },
    [module, store, task, media, mutate],
  );
  const remarked = own.length > 0 || words.trim() !== "";
  const commands = useMemo(
    (): Command[] => [
      {
        id: "review.accept",
        group: "review",
        keys: ["Shift+A"],
        available: () => (changed ? "workbench.changedAnswer" : true),
        run: () => decide("accepted"),
      },
      {
        id: "review.fix",
        group: "review",
        keys: ["Shift+E"],
        available: () => (changed ? true : "workbench.unchangedAnswer"),
        run: () => decide("fixed"),
      },
      { id: "review.sendBack", group: "review", keys: ["Shift+X"], run: () => decide("rejected") },
      {
        id: "edit.undo",
        group: "edit",
        keys: ["Mod+Z"],
        repeats: true,
        available: () => (changed ? true : "workbench.nothingToUndo"),
        run: () => store.undo(),
      },
      {
        id: "edit.redo",
        group: "edit",
        keys: ["Mod+Shift+Z", "Mod+Y"],
        repeats: true,
        available: () => (store.redoLabel === null ? "workbench.nothingToRedo" : true),
        run: () => store.redo(),
      },
      remarkCommand(() => setAsked((now) => now + 1)),
      { id: "app.keys", group: "app", keys: ["?", "F1"], run: () => setKeys(true) },
    ],
    [changed, decide, store],
  );
  useEffect(() => registry.register(commands), [registry, commands]);
  useEffect(() => registry.listen(window), [registry]);
  const register = useCallback((more: readonly Command[]) => registry.register(more), [registry]);
  const remarks = useMemo(() => [...given, ...own], [given, own]);

  return (
    <Box className="sy-fill">
      <Group px="md" py={6} gap="sm" justify="space-between" className="sy-bar-top">
        <Group gap="sm" wrap="nowrap">
          <Button
            component={Link}
            to="/console/audits"
            search={filters as never}
            size="compact-sm"
            variant="subtle"
            leftSection={<IconArrowLeft size={14} aria-hidden />}
          >
            {t("app.nav.audits")}
          </Button>
          <div>
            <Title order={1} size="h3">
              {t("console.auditOf", { id: task.task_id })}
            </Title>
            <Text size="xs" c="dimmed">
              {[task.type, task.project, task.batch].filter(Boolean).join(" · ")}
            </Text>
          </div>
        </Group>
        <Group gap={6} align="end">
          <Textarea
            aria-label={t("console.comment")}
            placeholder={t("console.comment")}
            value={words}
            onChange={(event) => setWords(event.currentTarget.value)}
            autosize
            minRows={1}
            maxRows={4}
            size="xs"
            w={240}
          />
          <Verb
            onRun={() => decide("accepted")}
            off={changed}
            busy={judge.isPending}
            name="accept"
            mark="⇧A"
            color="teal"
          />
          <Verb onRun={() => decide("fixed")} off={!changed} busy={judge.isPending} name="fix" mark="⇧E" />
          <Verb
            onRun={() => decide("commented")}
            off={!remarked || changed}
            busy={judge.isPending}
            name="comment"
          />
          <Verb
            onRun={() => decide("rejected")}
            off={false}
            busy={judge.isPending}
            name="reject"
            mark="⇧X"
            color="red"
          />
        </Group>
      </Group>
      {judge.error !== null && (
        <Box px="md">
          <Problem error={judge.error} />
        </Box>
      )}
      {issues.length > 0 && (
        <Alert color="red" radius={0} py={6} role="alert">
          {issues.slice(0, 5).map((issue) => (
            <Text size="sm" key={issue.message}>
              {issue.message}
            </Text>
          ))}
        </Alert>
      )}
      <Box style={{ display: "flex", flex: 1, minHeight: 0 }}>
        <Box style={{ flex: 1, minWidth: 0, overflow: "auto" }}>
          <module.Editor
            task={task}
            media={media}
            store={store}
            mode="review"
            before={before}
            remarks={remarks}
            issues={issues}
            onRemark={(remark) => setOwn((now) => [...now, remark])}
            registerCommands={register}
            memory={memory}
          />
        </Box>
        <RemarksPanel given={given} own={own} editable asked={asked} store={store} onChange={setOwn} />
      </Box>
      <KeySheet registry={registry} opened={keys} onClose={() => setKeys(false)} />
    </Box>
  );
}

interface VerbProps {
  readonly name: "accept" | "fix" | "comment" | "reject";
  readonly mark?: string;
  readonly color?: string;
  readonly off: boolean;
  readonly busy: boolean;
  readonly onRun: () => void;
}

function Verb({ name, mark, color, off, busy, onRun }: VerbProps) {
  const { t } = useTranslation();
  return (
    <Button
      size="xs"
      variant={color === undefined ? "default" : "light"}
      {...(color === undefined ? {} : { color })}
      disabled={off}
      loading={busy}
      onClick={onRun}
      rightSection={mark === undefined ? undefined : <Kbd size="xs">{mark}</Kbd>}
    >
      {t(`console.${name}`)}
    </Button>
  );
}
