/** What the commands of the image editor do to the selection and the view. */

import {
  type DocRecord,
  newId,
  putRecords,
  type RecordId,
  removeRecords,
  reorder,
  sequence,
  setField,
  updateRecords,
  type Value,
} from "../../document/doc";
import { shapeOf } from "../../shapes";
import { type Area, areaOf, clampMove, union } from "../../shapes/shape";
import { movedData, touched } from "../../tools/select";
import { type Attribute, shown } from "./attributes";
import type { ImageEditor } from "./editor";
import { SCENE, sceneAnswers } from "./wire";

/** Copies live on over tasks of the same page. */
let clipboard: readonly DocRecord[] = [];

export const hasCopies = (): boolean => clipboard.length > 0;

const selected = (e: ImageEditor): DocRecord[] =>
  e.doc.order.flatMap((id) => (e.selection.has(id) ? (e.doc.records.get(id) ?? []) : []));

function refuse(e: ImageEditor, ids: Iterable<RecordId>, why: (id: RecordId) => string | null): RecordId[] {
  const allowed: RecordId[] = [];
  let reason: string | null = null;
  for (const id of ids) {
    const key = why(id);
    if (key === null) allowed.push(id);
    else reason ??= key;
  }
  if (reason !== null) e.tell({ key: reason, tone: "reason" });
  return allowed;
}

/** Notes where in the list the selection is, before it leaves it: walking goes on from there. */
function leave(e: ImageEditor): void {
  const [at] = e.selection;
  if (at !== undefined) e.left = { order: e.listed.length > 0 ? e.listed : e.doc.order, at };
}

export function remove(e: ImageEditor): void {
  const ids = refuse(e, e.selection, (id) => e.whyNot("remove", id));
  leave(e);
  if (ids.length > 0) e.apply(removeRecords(ids), "image.step.delete");
}

export function accept(e: ImageEditor, ids: Iterable<RecordId>): void {
  leave(e);
  e.apply(updateRecords(ids, touched), "image.step.accept");
}

export const proposals = (e: ImageEditor): RecordId[] =>
  [...e.doc.records.values()].filter((r) => r.hypothesis === "proposed").map((r) => r.id);

export function copy(e: ImageEditor): void {
  clipboard = selected(e);
  e.tell({ key: "image.hint.copied", values: { count: clipboard.length }, tone: "hint" });
}

/** Copies with identities of their own, a little off where there is room. */
function insert(e: ImageEditor, records: readonly DocRecord[], step: string): void {
  const fitting = records.filter((r) => e.geometry(r.kind) !== undefined);
  const [first] = fitting;
  if (first === undefined) return;
  const reason = e.whyNotDraw(first.kind);
  if (reason !== null) {
    e.tell(reason);
    return;
  }
  let bounds: Area | null = null;
  for (const r of fitting) bounds = union(bounds, areaOf(shapeOf(r.kind).points(r.data)));
  if (bounds === null) return;
  const off = e.pixels(16);
  let by = clampMove(bounds, off, off, e.frame());
  if (Math.abs(by.x) + Math.abs(by.y) < off / 2) by = clampMove(bounds, -off, -off, e.frame());
  const groups = new Map<string, string>();
  const made = fitting.map(({ hypothesis: _, group, ...record }): DocRecord => {
    if (group !== undefined && !groups.has(group)) groups.set(group, newId());
    const renamed = group === undefined ? undefined : groups.get(group);
    return {
      ...record,
      id: newId(),
      data: movedData(record, by.x, by.y, e),
      ...(renamed === undefined ? {} : { group: renamed }),
    };
  });
  e.apply(
    putRecords(...made),
    step,
    made.map((r) => r.id),
  );
}

export const paste = (e: ImageEditor): void => insert(e, clipboard, "image.step.paste");
export const duplicate = (e: ImageEditor): void => insert(e, selected(e), "image.step.duplicate");

export function nudge(e: ImageEditor, dx: number, dy: number): void {
  const ids = refuse(e, e.selection, (id) => e.whyNot("edit", id));
  let bounds: Area | null = null;
  for (const id of ids) {
    const record = e.doc.records.get(id);
    if (record) bounds = union(bounds, areaOf(shapeOf(record.kind).points(record.data)));
  }
  if (bounds === null) return;
  const by = clampMove(bounds, dx, dy, e.frame());
  e.apply(
    updateRecords(ids, (r) =>
      by.x === 0 && by.y === 0 ? r : { ...touched(r), data: movedData(r, by.x, by.y, e) },
    ),
    "image.step.nudge",
  );
}

/** Grows or shrinks the one selected shape at its far corner, for those who work by keys alone. */
export function stretch(e: ImageEditor, dx: number, dy: number): void {
  const record = e.only();
  if (record === null || !e.mayEdit(record.id, true)) return;
  const limits = e.limits(record.kind);
  const shape = shapeOf(record.kind);
  const handles = shape.handles(record.data, limits);
  const wanted: Readonly<Record<string, readonly string[]>> = {
    box: dx !== 0 ? ["e"] : ["s"],
    ellipse: dx !== 0 ? ["v1"] : ["v2"],
    cuboid: ["face-bottomright"],
  };
  const names = wanted[record.kind] ?? [];
  const handle = handles.find((h) => names.includes(h.id));
  if (handle === undefined) return;
  const to = { x: handle.at.x + dx, y: handle.at.y + dy };
  const data = shape.dragged(record.data, handle.id, { to, limits, frame: e.frame() });
  const [problem] = shape.problems(data, limits);
  if (problem !== undefined) {
    e.tell({ ...problem, tone: "reason" });
    return;
  }
  e.apply(
    updateRecords([record.id], (r) => ({ ...touched(r), data })),
    "image.step.reshape",
  );
}

export function relabel(e: ImageEditor, label: string): void {
  const fitting = selected(e).filter((r) => e.geometry(r.kind)?.leaves.some((l) => l.node.name === label));
  if (fitting.length > 0) {
    const ids = refuse(
      e,
      fitting.map((r) => r.id),
      (id) => e.whyNot("relabel", id),
    );
    e.apply(
      updateRecords(ids, (r) => (r.label === label ? touched(r) : { ...touched(r), label })),
      "image.step.label",
    );
  }
  const labels = { ...e.state.labels };
  for (const g of e.config.geometries)
    if (g.leaves.some((l) => l.node.name === label)) labels[g.kind] = label;
  e.set({ labels });
}

/** Answers an attribute of annotations; undefined takes the answer away. */
export function answer(e: ImageEditor, ids: Iterable<RecordId>, key: string, value: Value | undefined): void {
  const allowed = refuse(e, ids, (id) => e.whyNot("edit", id));
  e.apply(
    updateRecords(allowed, (r) => {
      if (r.attributes[key] === value) return r;
      const attributes = { ...r.attributes };
      if (value === undefined) delete attributes[key];
      else attributes[key] = value;
      return { ...touched(r), attributes };
    }),
    "image.step.attribute",
  );
}

export function answerScene(e: ImageEditor, key: string, value: Value | undefined): void {
  e.apply(setField(SCENE + key, value), "image.step.attribute");
}

export function group(e: ImageEditor): void {
  const ids = [...e.selection];
  if (ids.length < 2) return;
  const name = newId();
  e.apply(
    updateRecords(ids, (r) => ({ ...r, group: name })),
    "image.step.group",
  );
}

export function ungroup(e: ImageEditor): void {
  e.apply(
    updateRecords(e.selection, (r) => {
      if (r.group === undefined) return r;
      const { group: _, ...rest } = r;
      return rest;
    }),
    "image.step.ungroup",
  );
}

export function arrange(e: ImageEditor, where: "front" | "back"): void {
  e.apply(reorder(e.selection, where), where === "front" ? "image.step.front" : "image.step.back");
}

const toggled = (set: ReadonlySet<RecordId>, ids: Iterable<RecordId>): Set<RecordId> => {
  const all = [...ids];
  const next = new Set(set);
  const every = all.every((id) => set.has(id));
  for (const id of all) every ? next.delete(id) : next.add(id);
  return next;
};

export function toggleHidden(e: ImageEditor, ids: Iterable<RecordId>): void {
  e.set({ hidden: toggled(e.state.hidden, ids) });
}

export function toggleLocked(e: ImageEditor, ids: Iterable<RecordId>): void {
  e.set({ locked: toggled(e.state.locked, ids) });
}

export function selectAll(e: ImageEditor): void {
  e.select(e.doc.order.filter((id) => !e.state.hidden.has(id)));
}

/** The next or previous object in the order of the list. */
export function step(e: ImageEditor, by: 1 | -1, order: readonly RecordId[]): RecordId | null {
  const ids = order.filter((id) => e.doc.records.has(id) && !e.state.hidden.has(id));
  if (ids.length === 0) return null;
  const [now] = e.selection;
  const at = now === undefined ? -1 : ids.indexOf(now);
  const next =
    at === -1
      ? (besideLeft(e, by, new Set(ids)) ?? ids.at(by === 1 ? 0 : -1))
      : ids[(at + by + ids.length) % ids.length];
  if (next === undefined) return null;
  e.left = null;
  e.store.select([next]);
  return next;
}

/** The nearest of some annotations after (or before) the place that was left, if one was. */
function besideLeft(e: ImageEditor, by: 1 | -1, ids: ReadonlySet<RecordId>): RecordId | undefined {
  if (e.left === null) return undefined;
  const { order, at } = e.left;
  const place = order.indexOf(at);
  return by === 1
    ? order.slice(place).find((id) => ids.has(id))
    : order.slice(0, place).findLast((id) => ids.has(id));
}

/** The attribute that Q answers: the one called occluded, with two choices. */
export function occludedAttribute(e: ImageEditor): Attribute | null {
  return (
    e.config.attributes.find(
      (a) =>
        a.key.toLowerCase() === "occluded" && a.type === "category" && !a.multiple && a.leaves.length === 2,
    ) ?? null
  );
}

export function toggleOccluded(e: ImageEditor): void {
  const a = occludedAttribute(e);
  if (a === null) return;
  const [first, second] = a.leaves;
  const positive = a.leaves.find((l) => /^(yes|true|1|occluded|ja|s[ií])$/i.test(l)) ?? first;
  const negative = a.leaves.find((l) => l !== positive) ?? second;
  const every = selected(e).every((r) => r.attributes[a.key] === positive);
  answer(e, e.selection, a.key, every ? negative : positive);
}

/** Attributes that the selected annotations have in common, as they are shown now. */
export function commonAttributes(e: ImageEditor, records: readonly DocRecord[]): Attribute[] {
  const scene = sceneAnswers(e.doc);
  const lists = records.map((r) =>
    shown(e.config.attributes, r.label, r.attributes, scene, shapeOf(r.kind).size(r.data), e.config.combine),
  );
  const [first, ...rest] = lists;
  return (first ?? []).filter((a) => rest.every((list) => list.includes(a)));
}

/** Rejects the proposals among some annotations. */
export function reject(e: ImageEditor, ids: Iterable<RecordId>): void {
  const gone = refuse(e, ids, (id) => e.whyNot("remove", id));
  leave(e);
  e.apply(sequence(removeRecords(gone)), "image.step.reject");
}
