import { Box } from "@mantine/core";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { Arc } from "../../text/Arcs";
import { blocksOf, placeSpans } from "../../text/layout";
import { TextIndex, tidy, wordsOf } from "../../text/offsets";
import { type Look, type Range, TextView, type TextViewHandle, useShown } from "../../text/TextView";
import { toQuestion } from "../questions";
import type { EditorProps } from "../registry";
import { addSpan, link, relabel } from "./actions";
import { textCommands } from "./commands";
import { LinkMenu } from "./LinkMenu";
import { fitting, flag, flatLabels, paramsOf, type Relationship, type SpanRecord, spansOf } from "./model";
import { SidePanel } from "./SidePanel";

/** Text on the left, labels, spans, attributes and relations on the right. Mark a stretch and press a digit, or the other way round. */
export function Editor(props: EditorProps) {
  const { task, store, mode, before, issues, pointed, registerCommands, memory } = props;
  const { t } = useTranslation();
  const params = paramsOf(task);
  const { doc, selection } = useSyncExternalStore(store.subscribe, store.snapshot);
  const view = useRef<TextViewHandle>(null);
  const search = useRef<HTMLInputElement>(null);
  const [searching, setSearching] = useState(false);
  const side = useRef<HTMLElement>(null);
  const [cursor, setCursor] = useState<Range | null>(null);
  const [active, setActive] = useState<string | null>((memory.get("label") as string | undefined) ?? null);
  const [linking, setLinking] = useState<string | null>(null);
  const [choice, setChoice] = useState<{ from: string; to: string; options: Relationship[] } | null>(null);
  const editable = mode === "label" || mode === "review";

  const index = useMemo(() => new TextIndex(params.text), [params.text]);
  const merge = flag(params.merge_newlines, false);
  const blocks = useMemo(() => blocksOf(params.text, merge), [params.text, merge]);
  const labels = useMemo(() => flatLabels(params.labels), [params.labels]);
  const byName = useMemo(() => new Map(labels.map((label) => [label.name, label])), [labels]);
  const spans = useMemo(() => spansOf(doc), [doc]);
  const gone = useMemo(
    () => (mode === "label" || before === null ? [] : spansOf(before).filter((s) => !doc.records.has(s.id))),
    [before, doc, mode],
  );
  const placed = useMemo(
    () =>
      placeSpans(
        [...spans, ...gone].map((s) => ({
          id: s.id,
          start: index.unit(s.data.start),
          end: index.unit(s.data.end),
        })),
      ),
    [spans, gone, index],
  );
  const look = useMemo(() => {
    const looks = new Map<string, Look>();
    for (const span of spans) {
      const label = byName.get(span.label ?? "");
      looks.set(span.id, {
        color: label?.shade ?? "gray",
        name: label?.display_name ?? span.label ?? t("text.noLabel"),
        proposed: span.hypothesis === "proposed",
        change:
          mode === "label" || before === null
            ? undefined
            : changeOf(span, before.records.get(span.id) as SpanRecord | undefined),
      });
    }
    for (const span of gone)
      looks.set(span.id, {
        color: byName.get(span.label ?? "")?.shade ?? "gray",
        name: t("text.removed", { label: byName.get(span.label ?? "")?.display_name ?? span.label ?? "" }),
        proposed: true,
        change: "removed",
      });
    return (id: string): Look => looks.get(id) ?? { color: "gray", name: "", proposed: false };
  }, [spans, gone, byName, before, mode, t]);
  const arcs = useMemo(
    (): Arc[] =>
      doc.links.map((l) => {
        const definition = params.relationships?.find((d) => (d.name ?? "") === l.label);
        return {
          id: l.id,
          from: l.from,
          to: l.to,
          name: definition?.display_name ?? l.label,
          directed: definition?.is_directed === true,
          selected: selection.has(l.from) || selection.has(l.to),
        };
      }),
    [doc.links, params.relationships, selection],
  );

  const selected = spans.find((span) => selection.has(span.id));
  useShown(view, selected === undefined ? (cursor?.start ?? null) : index.unit(selected.data.start));

  const choose = (label: string): void => {
    if (!editable) return;
    const known = new Set(Object.keys(byName.get(label)?.attributes ?? {}));
    if (cursor !== null) {
      addSpan(store, index, cursor.start, cursor.end, label);
      setCursor(null);
      setActive(label);
    } else if (selection.size > 0) {
      relabel(store, selection, label, known);
      // what is marked next is most likely meant to be what this one turned out to be
      setActive((now) => (now === null ? null : label));
    } else setActive((now) => (now === label ? null : label));
    view.current?.focus();
  };
  const join = (to: string): void => {
    if (linking === null || linking === to) return;
    const [a, b] = [doc.records.get(linking), doc.records.get(to)];
    setLinking(null);
    if (a === undefined || b === undefined) return;
    const options = fitting(params, labels, a, b);
    if (options.length === 1 && options[0] !== undefined) link(store, a.id, b.id, options[0]);
    else setChoice({ from: a.id, to: b.id, options });
  };
  const mark = (from: number, to: number, exact: boolean): void => {
    const range = tidy(params.text, from, to, exact);
    if (range === null) return;
    store.select([]);
    if (active !== null && editable) addSpan(store, index, range[0], range[1], active);
    else setCursor({ start: range[0], end: range[1] });
  };
  const pick = (id: string | null, extend: boolean, at: number): void => {
    setCursor(null);
    if (id === null) {
      const word = wordsOf(params.text, Math.max(0, at - 60), at + 60).find(([a, b]) => a <= at && at <= b);
      store.select([]);
      if (word !== undefined) setCursor({ start: word[0], end: word[1] });
    } else if (linking !== null) join(id);
    else store.select(extend ? [...selection, id] : [id]);
  };

  const state = {
    store,
    index,
    text: params.text,
    blocks,
    labels,
    params,
    cursor,
    active,
    linking,
    editable,
  };
  const find = (): void => {
    setSearching(true);
    search.current?.focus();
  };
  const verbs = {
    setCursor,
    setActive,
    setLinking,
    choose,
    join,
    find,
    ask: () => toQuestion(side.current, "open"),
  };
  // commands read the newest state through this, so that the list itself changes only with the labels
  const latest = useRef({ state, verbs });
  latest.current = { state, verbs };
  useEffect(() => registerCommands(textCommands(labels, () => latest.current)), [registerCommands, labels]);
  useEffect(() => void memory.set("label", active), [memory, active]);
  useEffect(() => {
    if (editable) view.current?.focus();
  }, [editable]);
  useEffect(() => {
    const record = pointed?.issue.record;
    if (record === undefined) return undefined;
    setCursor(null);
    store.select([record]);
    const frame = requestAnimationFrame(() => toQuestion(side.current, "wrong"));
    return () => cancelAnimationFrame(frame);
  }, [pointed, store]);

  return (
    <Box style={{ display: "flex", height: "100%", minHeight: 320 }}>
      <Box style={{ flex: 1, minWidth: 0 }} data-linking={linking !== null || undefined}>
        <TextView
          ref={view}
          text={params.text}
          label={t("text.area")}
          blocks={blocks}
          mergeNewlines={merge}
          spans={placed}
          look={look}
          selection={selection}
          cursor={cursor}
          arcs={arcs}
          onMark={mark}
          onPick={pick}
        />
      </Box>
      <SidePanel
        state={state}
        doc={doc}
        spans={spans}
        selection={selection}
        look={look}
        issues={issues}
        search={search}
        searching={searching}
        onSearched={() => setSearching(false)}
        side={side}
        backToText={() => view.current?.focus()}
        onChoose={choose}
        onLinking={setLinking}
      />
      <LinkMenu
        choice={choice}
        onClose={() => setChoice(null)}
        onChoose={(definition) => {
          if (choice !== null) link(store, choice.from, choice.to, definition);
          setChoice(null);
        }}
      />
    </Box>
  );
}

function changeOf(span: SpanRecord, earlier: SpanRecord | undefined): Look["change"] {
  if (earlier === undefined) return "added";
  const same =
    earlier.label === span.label &&
    earlier.data.start === span.data.start &&
    earlier.data.end === span.data.end &&
    JSON.stringify(earlier.attributes) === JSON.stringify(span.attributes);
  return same ? undefined : "changed";
}
