/** The keyboard of the text editor: a cursor of words, labels by digits, spans by Tab. */

import type { Command } from "../../commands/command";
import type { DocumentStore } from "../../document/store";
import { type Block, blockAt } from "../../text/layout";
import { stepGrapheme, type TextIndex, wordsOf } from "../../text/offsets";
import type { Range } from "../../text/TextView";
import { accept, remove, resize } from "./actions";
import { type FlatLabel, type Params, type SpanRecord, spansOf } from "./model";

export interface TextState {
  readonly store: DocumentStore;
  readonly index: TextIndex;
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly labels: readonly FlatLabel[];
  readonly params: Params;
  readonly cursor: Range | null;
  readonly active: string | null;
  readonly linking: string | null;
  readonly editable: boolean;
}

export interface TextVerbs {
  setCursor(cursor: Range | null): void;
  setActive(label: string | null): void;
  setLinking(id: string | null): void;
  choose(label: string): void;
  join(id: string): void;
  find(): void;
  /** Leads to the questions about the selected span. */
  ask(): void;
}

type Latest = () => { readonly state: TextState; readonly verbs: TextVerbs };

const REACH = 400;

export function textCommands(labels: readonly FlatLabel[], latest: Latest): Command[] {
  const selected = (): SpanRecord | undefined => {
    const { store } = latest().state;
    return spansOf(store.doc).find((span) => store.selection.has(span.id));
  };
  const canEdit = () => (latest().state.editable ? true : "text.readOnly");
  const needsSpan = () =>
    canEdit() === true ? (selected() === undefined ? "text.selectFirst" : true) : "text.readOnly";
  const move = (id: string, keys: string[], run: (state: TextState) => Range | null): Command => ({
    id,
    group: "view",
    keys,
    repeats: true,
    run: () => {
      const { state, verbs } = latest();
      const next = run(state);
      if (next === null) return;
      state.store.select([]);
      verbs.setCursor(next);
    },
  });
  const step = (direction: -1 | 1, extend: boolean) => (state: TextState) =>
    stepWord(state, direction, extend, selected());
  const cycle = (direction: -1 | 1) => () => {
    const { state, verbs } = latest();
    const order = [...spansOf(state.store.doc)].sort(
      (a, b) => a.data.start - b.data.start || b.data.end - a.data.end,
    );
    if (order.length === 0) return;
    const now = order.findIndex((span) => state.store.selection.has(span.id));
    const next =
      now < 0 ? (direction > 0 ? 0 : order.length - 1) : (now + direction + order.length) % order.length;
    verbs.setCursor(null);
    state.store.select([order[next]?.id ?? ""]);
  };
  return [
    move("text.wordNext", ["ArrowRight"], step(1, false)),
    move("text.wordPrevious", ["ArrowLeft"], step(-1, false)),
    move("text.extendNext", ["Shift+ArrowRight"], step(1, true)),
    move("text.extendPrevious", ["Shift+ArrowLeft"], step(-1, true)),
    move("text.letterMore", ["Alt+Shift+ArrowRight"], (state) => stepLetter(state, 1)),
    move("text.letterLess", ["Alt+Shift+ArrowLeft"], (state) => stepLetter(state, -1)),
    move("text.lineNext", ["ArrowDown"], (state) => stepBlock(state, 1)),
    move("text.linePrevious", ["ArrowUp"], (state) => stepBlock(state, -1)),
    { id: "object.next", group: "object", keys: ["Tab"], repeats: true, run: cycle(1) },
    { id: "object.previous", group: "object", keys: ["Shift+Tab"], repeats: true, run: cycle(-1) },
    {
      id: "object.delete",
      group: "object",
      keys: ["Delete", "Backspace"],
      available: needsSpan,
      run: () => remove(latest().state.store, latest().state.store.selection),
    },
    ...(
      [
        ["text.startEarlier", "Mod+Shift+ArrowLeft", -1, 0],
        ["text.startLater", "Mod+Alt+ArrowRight", 1, 0],
        ["text.endEarlier", "Mod+Alt+ArrowLeft", 0, -1],
        ["text.endLater", "Mod+Shift+ArrowRight", 0, 1],
      ] as const
    ).map(
      ([id, keys, atStart, atEnd]): Command => ({
        id,
        group: "object",
        keys: [keys],
        repeats: true,
        available: needsSpan,
        run: () => {
          const span = selected();
          if (span !== undefined) nudge(latest().state, span, atStart, atEnd);
        },
      }),
    ),
    {
      id: "text.link",
      group: "object",
      keys: ["Alt+R"],
      available: () =>
        (latest().state.params.relationships ?? []).length === 0 ? "text.noRelations" : needsSpan(),
      run: () => latest().verbs.setLinking(selected()?.id ?? null),
    },
    {
      id: "text.linkHere",
      group: "object",
      keys: ["Enter"],
      available: needsSpan,
      run: () => {
        const { state, verbs } = latest();
        if (state.linking === null) verbs.ask();
        else verbs.join(selected()?.id ?? "");
      },
    },
    {
      id: "text.accept",
      group: "object",
      keys: ["Y"],
      available: () => (selected()?.hypothesis === "proposed" ? canEdit() : "text.nothingProposed"),
      run: () => accept(latest().state.store, latest().state.store.selection),
    },
    {
      id: "text.acceptAll",
      group: "object",
      keys: ["Shift+Y"],
      available: () =>
        spansOf(latest().state.store.doc).some((s) => s.hypothesis === "proposed")
          ? canEdit()
          : "text.nothingProposed",
      run: () => accept(latest().state.store, latest().state.store.doc.order),
    },
    {
      id: "edit.deselect",
      group: "edit",
      keys: ["Escape"],
      run: () => {
        const { state, verbs } = latest();
        if (state.linking !== null) verbs.setLinking(null);
        else if (state.cursor !== null) verbs.setCursor(null);
        else if (state.store.selection.size > 0) state.store.select([]);
        else verbs.setActive(null);
      },
    },
    { id: "label.search", group: "label", keys: ["/"], run: () => latest().verbs.find() },
    ...labels.slice(0, 10).map(
      (label, i): Command => ({
        id: `label.${i + 1}`,
        group: "label",
        keys: [String((i + 1) % 10)],
        title: label.display_name ?? label.name,
        available: canEdit,
        run: () => latest().verbs.choose(label.name),
      }),
    ),
  ];
}

function origin(state: TextState, span: SpanRecord | undefined): Range {
  if (state.cursor !== null) return state.cursor;
  if (span === undefined) return { start: 0, end: 0 };
  return { start: state.index.unit(span.data.start), end: state.index.unit(span.data.end) };
}

function stepWord(
  state: TextState,
  direction: -1 | 1,
  extend: boolean,
  span: SpanRecord | undefined,
): Range | null {
  const from = origin(state, span);
  const { text } = state;
  if (direction > 0) {
    const next = wordsOf(text, from.end, from.end + REACH)[0];
    if (next === undefined) return null;
    return { start: extend ? from.start : next[0], end: next[1] };
  }
  if (extend) {
    const words = wordsOf(text, from.start, from.end);
    const last = words.at(-2);
    return last === undefined ? null : { start: from.start, end: last[1] };
  }
  const earlier = wordsOf(text, Math.max(0, from.start - REACH), from.start).at(-1);
  return earlier === undefined ? null : { start: earlier[0], end: earlier[1] };
}

function stepLetter(state: TextState, direction: -1 | 1): Range | null {
  if (state.cursor === null) return null;
  const end = stepGrapheme(state.text, state.cursor.end, direction);
  return end > state.cursor.start ? { start: state.cursor.start, end } : null;
}

function stepBlock(state: TextState, direction: -1 | 1): Range | null {
  const from = state.cursor?.start ?? 0;
  for (let i = blockAt(state.blocks, from) + direction; i >= 0 && i < state.blocks.length; i += direction) {
    const block = state.blocks[i];
    const word = block === undefined ? undefined : wordsOf(state.text, block.start, block.end)[0];
    if (word !== undefined) return { start: word[0], end: word[1] };
  }
  return null;
}

function nudge(state: TextState, span: SpanRecord, atStart: -1 | 0 | 1, atEnd: -1 | 0 | 1): void {
  const { index, text } = state;
  let start = index.unit(span.data.start);
  let end = index.unit(span.data.end);
  if (atStart !== 0) start = stepGrapheme(text, start, atStart);
  if (atEnd !== 0) end = stepGrapheme(text, end, atEnd);
  if (start < end) resize(state.store, span.id, { start: index.point(start), end: index.point(end) });
}
