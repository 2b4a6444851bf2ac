/** An R-tree over annotations that follows the document by its difference. */

import RBush from "rbush";
import type { Doc, DocRecord, RecordId } from "../document/doc";
import { shapeOf } from "../shapes";
import { type Area, grown, type Limits, overlap, type Point } from "../shapes/shape";

interface Entry {
  readonly minX: number;
  readonly minY: number;
  readonly maxX: number;
  readonly maxY: number;
  readonly record: DocRecord;
}

export interface Change {
  readonly before: DocRecord | null;
  readonly after: DocRecord | null;
}

/** What differs between two documents, by identity of the records. */
export function changes(before: Doc, after: Doc): Change[] {
  if (before.records === after.records) return [];
  const found: Change[] = [];
  for (const [id, record] of after.records) {
    const old = before.records.get(id);
    if (old !== record) found.push({ before: old ?? null, after: record });
  }
  if (after.records.size !== before.records.size + found.filter((c) => c.before === null).length)
    for (const [id, record] of before.records)
      if (!after.records.has(id)) found.push({ before: record, after: null });
  return found;
}

/** Shapes whose areas differ by no more are of one size to the eye: what lies in front decides. */
const ALIKE = 1.05;

export class HitIndex {
  readonly #tree = new RBush<Entry>();
  readonly #entries = new Map<RecordId, Entry>();
  #rank = new Map<RecordId, number>();
  #order: readonly RecordId[] = [];

  constructor(private readonly limits: (kind: string) => Limits) {}

  load(doc: Doc): void {
    this.#tree.clear();
    this.#entries.clear();
    const entries = [...doc.records.values()].map((record) => this.#entry(record));
    this.#tree.load(entries);
    this.#ranks(doc);
  }

  update(found: readonly Change[], doc: Doc): void {
    if (found.length > 500) {
      this.load(doc);
      return;
    }
    for (const { before, after } of found) {
      const old = before === null ? undefined : this.#entries.get(before.id);
      if (old !== undefined) {
        this.#tree.remove(old);
        this.#entries.delete(old.record.id);
      }
      if (after !== null) this.#tree.insert(this.#entry(after));
    }
    this.#ranks(doc);
  }

  #ranks(doc: Doc): void {
    if (doc.order === this.#order) return;
    this.#order = doc.order;
    this.#rank = new Map(doc.order.map((id, i) => [id, i]));
  }

  #entry(record: DocRecord): Entry {
    const b = shapeOf(record.kind).bounds(record.data);
    const entry = { minX: b.left, minY: b.top, maxX: b.right, maxY: b.bottom, record };
    this.#entries.set(record.id, entry);
    return entry;
  }

  /** Annotations whose bounds touch an area, in drawing order. */
  search(area: Area): DocRecord[] {
    const found = this.#tree.search({ minX: area.left, minY: area.top, maxX: area.right, maxY: area.bottom });
    return found
      .map((entry) => entry.record)
      .sort((a, b) => (this.#rank.get(a.id) ?? 0) - (this.#rank.get(b.id) ?? 0));
  }

  /** What a press at a point means: of the shapes there the smallest, and among those of about one size the topmost. */
  at(p: Point, slack: number, wanted: (record: DocRecord) => boolean): DocRecord | null {
    const around = grown({ left: p.x, top: p.y, right: p.x, bottom: p.y }, slack * 2);
    let best: { record: DocRecord; area: number } | null = null;
    for (const record of this.search(around)) {
      const shape = shapeOf(record.kind);
      if (!wanted(record) || !shape.hits(record.data, p, slack, this.limits(record.kind))) continue;
      const area = shape.area(record.data);
      if (best === null || area <= best.area * ALIKE) best = { record, area };
    }
    return best?.record ?? null;
  }

  /** Annotations whose bounds lie wholly in an area. */
  inside(area: Area): DocRecord[] {
    return this.search(area).filter((record) => {
      const b = shapeOf(record.kind).bounds(record.data);
      return b.left >= area.left && b.right <= area.right && b.top >= area.top && b.bottom <= area.bottom;
    });
  }

  /** Bounds that touch, for drawing. */
  near(area: Area): DocRecord[] {
    return this.search(area).filter((record) => overlap(shapeOf(record.kind).bounds(record.data), area));
  }
}
