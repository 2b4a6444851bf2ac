/** Two answers to one task side by side: which annotations of them mean the same, though each contributor's have ids of their own. */

import type { Doc, DocRecord, RecordId } from "./doc";

/** From 0 (nothing in common) to 1 (the same place); only asked for annotations of the same kind. */
export type Likeness = (a: DocRecord, b: DocRecord) => number;

const ENOUGH = 0.3;
const MOST_PAIRS = 4_000_000;

/** `other` with the ids of `base` where an annotation lies in the same place, the likest pairs first and equal labels before others. */
export function aligned(other: Doc, base: Doc, likeness: Likeness = equal): Doc {
  const free = [...other.records.values()].filter((record) => !base.records.has(record.id));
  const open = [...base.records.values()].filter((record) => !other.records.has(record.id));
  if (free.length * open.length > MOST_PAIRS) return other;
  const pairs: [number, RecordId, RecordId][] = [];
  for (const a of free)
    for (const b of open) {
      if (a.kind !== b.kind || a.frame !== b.frame) continue;
      const like = likeness(a, b);
      if (like >= ENOUGH) pairs.push([like + (a.label === b.label ? 1 : 0), a.id, b.id]);
    }
  pairs.sort((x, y) => y[0] - x[0]);
  const names = new Map<RecordId, RecordId>();
  const taken = new Set<RecordId>();
  for (const [, from, to] of pairs) {
    if (names.has(from) || taken.has(to)) continue;
    names.set(from, to);
    taken.add(to);
  }
  if (names.size === 0) return other;
  const named = (id: RecordId): RecordId => names.get(id) ?? id;
  return {
    ...other,
    records: new Map([...other.records].map(([id, record]) => [named(id), { ...record, id: named(id) }])),
    order: other.order.map(named),
    links: other.links.map((link) => ({ ...link, from: named(link.from), to: named(link.to) })),
  };
}

const equal: Likeness = (a, b) => Number(JSON.stringify(a.data) === JSON.stringify(b.data));

/** Shared part of two stretches, by the part that either covers. */
export function overlap(a: readonly [number, number], b: readonly [number, number]): number {
  const shared = Math.max(0, Math.min(a[1], b[1]) - Math.max(a[0], b[0]));
  const all = Math.max(a[1], b[1]) - Math.min(a[0], b[0]);
  return all > 0 ? shared / all : Number(a[0] === b[0]);
}
