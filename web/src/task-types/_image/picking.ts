/** What the pointer is on: handles of the selected shape, borders to snap to. Distances are those on the screen. */

import type { DocRecord, RecordId } from "../../document/doc";
import { shapeOf } from "../../shapes";
import { clampPoint, distance, grown, type Handle, type Point } from "../../shapes/shape";
import { nearestOnBorder } from "../../tools/border";
import { SNAP } from "../../tools/tool";
import type { ImageEditor } from "./editor";

/** Handles of a shape; those for turning stand off by a fixed distance on the screen, small shapes have no middles. */
export function handlesOf(record: DocRecord, editor: ImageEditor): Handle[] {
  const shape = shapeOf(record.kind);
  const b = shape.bounds(record.data);
  const centre = { x: (b.left + b.right) / 2, y: (b.top + b.bottom) / 2 };
  const room = Math.max(b.right - b.left, b.bottom - b.top) / editor.pixels(1);
  return shape.handles(record.data, editor.limits(record.kind)).flatMap((handle) => {
    if ((handle.role === "middle" || (handle.role === "edge" && record.kind === "box")) && room < 40)
      return [];
    if (handle.role !== "rotate") return [handle];
    const off = distance(handle.at, centre) || 1;
    const k = 1 + editor.pixels(24) / off;
    return [
      {
        ...handle,
        at: { x: centre.x + (handle.at.x - centre.x) * k, y: centre.y + (handle.at.y - centre.y) * k },
      },
    ];
  });
}

export function handleAt(at: Point, editor: ImageEditor): { record: DocRecord; handle: Handle } | null {
  const record = editor.only();
  if (record === null || !editor.visible(record) || editor.readOnly) return null;
  let best: { handle: Handle; off: number } | null = null;
  for (const handle of handlesOf(record, editor)) {
    const off = distance(handle.at, at);
    if (off > editor.pixels(handle.role === "middle" ? 6 : 9)) continue;
    // A vertex wins over the middle of an edge beside it.
    const rank = off + (handle.role === "middle" || handle.role === "edge" ? editor.pixels(3) : 0);
    if (best === null || rank < best.off) best = { handle, off: rank };
  }
  return best === null ? null : { record, handle: best.handle };
}

/** The vertex or border of another visible annotation within reach. */
export function snapTo(
  at: Point,
  but: RecordId | null,
  editor: ImageEditor,
): { at: Point; record: RecordId } | null {
  const reach = editor.pixels(SNAP);
  const around = grown({ left: at.x, top: at.y, right: at.x, bottom: at.y }, reach);
  let best: { at: Point; off: number; record: RecordId } | null = null;
  for (const record of editor.index.search(around)) {
    if (record.id === but || !editor.visible(record)) continue;
    const near = nearestOnBorder(record, at, reach);
    if (near !== null && (best === null || near.off < best.off)) best = { ...near, record: record.id };
  }
  return best === null ? null : { at: clampPoint(best.at, editor.frame()), record: best.record };
}
