/** Changes of a document of spans, in UTF-16 units of the text where the screen is meant and code points in the document. */

import type { Action, RecordId } from "../../document/doc";
import { newId, putRecords, removeRecords, updateRecords } from "../../document/doc";
import type { DocumentStore } from "../../document/store";
import type { TextIndex } from "../../text/offsets";
import { type Relationship, SPAN, type SpanRecord, spansOf } from "./model";

/** Labels a range; the same range with the same label is selected instead of made twice. */
export function addSpan(
  store: DocumentStore,
  index: TextIndex,
  from: number,
  to: number,
  label: string,
): void {
  const data = { start: index.point(from), end: index.point(to) };
  const there = spansOf(store.doc).find(
    (s) => s.label === label && s.data.start === data.start && s.data.end === data.end,
  );
  if (there !== undefined) {
    store.select([there.id]);
    return;
  }
  const span: SpanRecord = { id: newId(), kind: SPAN, label, data, attributes: {} };
  store.apply(putRecords(span), "text.do.add", [span.id]);
}

/** Gives spans another label; attributes that it does not have are left behind. */
export function relabel(
  store: DocumentStore,
  ids: Iterable<RecordId>,
  label: string,
  kept: ReadonlySet<string>,
): void {
  store.apply(
    updateRecords(ids, (span) => ({
      ...span,
      label,
      attributes: Object.fromEntries(Object.entries(span.attributes).filter(([key]) => kept.has(key))),
      ...(span.hypothesis === undefined ? {} : { hypothesis: "accepted" as const }),
    })),
    "text.do.relabel",
  );
}

export function remove(store: DocumentStore, ids: Iterable<RecordId>): void {
  store.apply(removeRecords(ids), "text.do.remove");
}

export function resize(store: DocumentStore, id: RecordId, data: { start: number; end: number }): void {
  store.apply(
    updateRecords([id], (span) => ({ ...span, data })),
    "text.do.resize",
  );
}

export function accept(store: DocumentStore, ids: Iterable<RecordId>): void {
  store.apply(
    updateRecords(ids, (span) =>
      span.hypothesis === "proposed" ? { ...span, hypothesis: "accepted" } : span,
    ),
    "text.do.accept",
  );
}

export function setAttribute(
  store: DocumentStore,
  id: RecordId,
  key: string,
  value: SpanRecord["attributes"][string] | undefined,
): void {
  store.apply(
    updateRecords([id], (span) => {
      const attributes = { ...span.attributes };
      if (value === undefined) delete attributes[key];
      else attributes[key] = value;
      return { ...span, attributes };
    }),
    "text.do.attribute",
    undefined,
    typeof value === "string" ? `${id} ${key}` : undefined,
  );
}

/** Joins two spans; nothing happens where they are joined so already. */
export function link(store: DocumentStore, from: RecordId, to: RecordId, definition: Relationship): void {
  const label = definition.name ?? "";
  const add: Action = (doc) => {
    const there = doc.links.some(
      (l) =>
        l.label === label &&
        ((l.from === from && l.to === to) ||
          (definition.is_directed !== true && l.from === to && l.to === from)),
    );
    return there ? doc : { ...doc, links: [...doc.links, { id: newId(), from, to, label }] };
  };
  store.apply(add, "text.do.link", [to]);
}

export function unlink(store: DocumentStore, id: string): void {
  store.apply((doc) => ({ ...doc, links: doc.links.filter((l) => l.id !== id) }), "text.do.unlink");
}
