import { Text } from "@mantine/core";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { Attachments, type Item } from "../../forms/Attachments";
import { Form, Scope } from "../../forms/conditions";
import { FormView, pathText, setAt } from "../../forms/FormView";
import { children, type Field, isContainer, kindOf, most, options, says } from "../../forms/fields";
import { picked } from "../../forms/widgets";
import type { EditorProps } from "../registry";
import { type FormType, fileOf } from ".";
import { formCommands } from "./commands";

interface Page {
  readonly image: string;
  readonly text?: string;
}

/** Attachments on one side, the form on the other; digits answer the question at hand and lead to the next. */
export function FormEditor({
  task,
  media,
  store,
  mode,
  before,
  issues,
  pointed,
  registerCommands,
  type,
}: EditorProps & { readonly type: FormType }) {
  const { t } = useTranslation();
  const { doc } = useSyncExternalStore(store.subscribe, store.snapshot);
  const fields = useMemo(() => type.fields(task), [type, task]);
  const editable = mode === "label" || mode === "review";
  const players = useRef(new Map<number, HTMLMediaElement>());
  const root = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState<string | null>(null);

  const shown = useMemo(() => type.attachments(task), [type, task]);
  const active = new Set(
    fields
      .filter((f) => kindOf(f) === "form" && new Scope(new Form(fields), fields, doc.fields).shown(f))
      .map((f) => f.field_id),
  );
  const items = shown.map((one, i): Item & { hidden: boolean } => {
    const file = fileOf(one, media);
    const pages = (file?.derived as { pages?: Page[] } | null | undefined)?.pages;
    return {
      kind: one.kind,
      content: one.content,
      url: file?.url ?? null,
      title: t("forms.attachment", { n: i + 1 }),
      ...(pages === undefined ? {} : { pages }),
      hidden:
        one.forms !== null &&
        one.forms !== undefined &&
        one.forms.length > 0 &&
        !one.forms.some((form) => active.has(form)),
    };
  });
  const playable = shown.flatMap((one, index) =>
    one.kind === "audio" || one.kind === "video" ? [{ index, label: String(index + 1) }] : [],
  );
  const wrong = useMemo(
    () =>
      new Map(
        issues.flatMap((issue) =>
          issue.field === undefined ? [] : [[fieldPath(issue.field), issue.message] as const],
        ),
      ),
    [issues],
  );

  const latest = useRef({ fields, current });
  latest.current = { fields, current };
  const moves = useRef(0);
  useEffect(() => {
    if (!editable) return undefined;
    const choose = (n: number): void => {
      if (moves.current > 0) {
        // quicker than the drawing: the digit is meant for the question that comes
        setTimeout(() => choose(n), 0);
        return;
      }
      const at = latest.current.current;
      const place = choicePlace(latest.current.fields, store.doc.fields as never, at);
      // a question inside of another is answered where it stands
      const inner = at === null || place?.path === at ? null : button(at, n);
      if (inner !== null && at !== null) {
        inner.click();
        if (inner.closest("[role=radiogroup]") !== null)
          afterDrawing(() => fieldAt(at)?.querySelector("input:checked") && advance(at));
        return;
      }
      if (place === null) return;
      const option = options(place.field)[n - 1];
      if (option === undefined || kindOf(place.field) === "ranking_order") {
        button(place.path, n)?.click();
        if (kindOf(place.field) !== "boolean") return;
      } else setAt(store, [place.path], picked(place.field, store.doc.fields[place.path], option));
      setCurrent(place.path);
      if (Number(place.field.max_choices ?? 1) === 1 && says(store.doc.fields[place.path]))
        afterDrawing(() => advance(place.path));
    };
    const afterDrawing = (move: () => void): void => {
      moves.current += 1;
      setTimeout(() => {
        moves.current -= 1;
        move();
      }, 0);
    };
    const fieldAt = (path: string): HTMLElement | null =>
      root.current?.querySelector<HTMLElement>(
        `[data-field="${CSS.escape(path)}"]:not([data-kind=form], [data-kind=field_set])`,
      ) ?? null;
    const button = (path: string, n: number): HTMLElement | null =>
      fieldAt(path)?.querySelector<HTMLElement>(`[data-choice="${n}"]`) ?? null;
    const advance = (from: string): void => {
      const all = [...(root.current?.querySelectorAll<HTMLElement>("[data-field]") ?? [])];
      const next = all[all.findIndex((element) => element.dataset.field === from) + 1];
      if (next === undefined) return;
      latest.current = { ...latest.current, current: next.dataset.field ?? null };
      setCurrent(latest.current.current);
      next.scrollIntoView({ block: "nearest" });
      if (["text", "number", "datetime"].includes(next.dataset.kind ?? ""))
        next.querySelector<HTMLElement>("input, textarea")?.focus();
    };
    const walk = (by: -1 | 1): void => {
      const all = [...(root.current?.querySelectorAll<HTMLElement>("[data-field]") ?? [])];
      const at = all.findIndex((element) => element.dataset.field === latest.current.current);
      const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
      setCurrent(next?.dataset.field ?? null);
      next?.scrollIntoView({ block: "nearest" });
      next?.querySelector<HTMLElement>("input, textarea, button")?.focus();
    };
    const play = (): void => {
      const player = [...players.current.values()][0];
      if (player !== undefined) void (player.paused ? player.play() : player.pause());
    };
    return registerCommands(
      formCommands({
        choose,
        title: (n) => t("forms.choiceN", { n }),
        walk,
        play,
        playable: () => players.current.size > 0,
      }),
    );
  }, [editable, registerCommands, store, t]);

  // What begins with a text is typed at once; digits choose without a focus.
  useEffect(() => {
    if (mode !== "label" || document.activeElement !== document.body) return;
    const first = root.current?.querySelector<HTMLElement>("[data-field]");
    if (["text", "number"].includes(first?.dataset.kind ?? ""))
      first?.querySelector<HTMLElement>("input, textarea")?.focus();
  }, [mode]);
  useEffect(() => {
    if (!pointed) return;
    const path = fieldPath(pointed.issue.field ?? "");
    const place =
      root.current?.querySelector<HTMLElement>(`[data-item="${CSS.escape(path)}"]`) ??
      root.current?.querySelector<HTMLElement>(`[data-field="${CSS.escape(path)}"]`) ??
      root.current?.querySelector<HTMLElement>("[data-issue]");
    place?.scrollIntoView({ block: "nearest" });
    place?.querySelector<HTMLElement>("input, textarea, button")?.focus();
  }, [pointed]);

  const attachments = (
    <Attachments
      items={items.filter((item) => !item.hidden)}
      players={players}
      columns={type.columns === true}
    />
  );
  const intro = task.params as { title?: string; description?: string };
  // of types with one question it is the question
  const about = intro.description ?? task.instruction;
  return (
    <div ref={root} className={type.columns === true ? "steelyard-stack" : "steelyard-split"}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <section aria-label={t("forms.attachments")} tabIndex={0}>
        {attachments}
      </section>
      <section aria-label={t("forms.form")}>
        {intro.title !== undefined && intro.title !== null && (
          <Text fw={700} size="lg">
            {intro.title}
          </Text>
        )}
        {about !== fields[0]?.title && (
          <Text size="sm" c="dimmed" mb="md" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
            <bdi>{about}</bdi>
          </Text>
        )}
        <FormView
          fields={fields}
          answers={doc.fields}
          store={store}
          editable={editable}
          issues={wrong}
          before={mode === "label" ? null : (before?.fields ?? null)}
          playable={playable}
          playerTime={(index) => players.current.get(index)?.currentTime ?? null}
          onFocusField={setCurrent}
        />
      </section>
    </div>
  );
}

/** `annotations.set.why` and `set.why` are the same place; issues of the server begin with the part of the response. */
function fieldPath(path: string): string {
  return path.replace(/^(annotations|fields|taxonomies)\./, "");
}

/** The top-level choice question that digits answer: the one at hand, else the first without an answer. */
function choicePlace(
  fields: readonly Field[],
  answers: Record<string, never>,
  current: string | null,
): { field: Field; path: string } | null {
  const scope = new Scope(new Form(fields), fields, answers);
  const asked = fields.filter(
    (field) =>
      scope.shown(field) &&
      !isContainer(field) &&
      most(field) === 1 &&
      (options(field).length > 0 || kindOf(field) === "boolean"),
  );
  const field =
    asked.find((f) => pathText([f.field_id]) === current) ??
    asked.find((f) => !says(answers[f.field_id])) ??
    asked[0];
  if (field === undefined || children(field).length > 0) return null;
  return { field, path: field.field_id };
}
