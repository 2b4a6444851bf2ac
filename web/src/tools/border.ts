/** Snapping to the borders of other annotations, and following them from one point to the next. */

import type { DocRecord } from "../document/doc";
import { type BoxData, corners } from "../shapes/box/box";
import type { PathData } from "../shapes/polygon/polygon";
import { distance, nearestOnSegment, type Point } from "../shapes/shape";

export function outline(record: DocRecord): { points: readonly Point[]; closed: boolean } | null {
  if (record.kind === "polygon" || record.kind === "line")
    return { points: (record.data as PathData).vertices, closed: record.kind === "polygon" };
  if (record.kind === "box") return { points: corners(record.data as BoxData), closed: true };
  return null;
}

/** The vertex, else the point of the border, that is nearest; vertices win while within reach. */
export function nearestOnBorder(
  record: DocRecord,
  at: Point,
  reach: number,
): { at: Point; off: number } | null {
  const border = outline(record);
  if (border === null) return null;
  let best: { at: Point; off: number } | null = null;
  for (const vertex of border.points) {
    const off = distance(vertex, at);
    if (off <= reach && (best === null || off < best.off)) best = { at: { x: vertex.x, y: vertex.y }, off };
  }
  if (best !== null) return best;
  const n = border.points.length;
  for (let i = border.closed ? 0 : 1; i < n; i++) {
    const a = border.points[(i + n - 1) % n];
    const b = border.points[i];
    if (!a || !b) continue;
    const near = nearestOnSegment(at, a, b).at;
    const off = distance(near, at);
    if (off <= reach && (best === null || off < best.off)) best = { at: near, off };
  }
  return best;
}

/** Vertices of a neighbour's border between two points on it, the shorter way round; both ends excluded. */
export function alongBorder(record: DocRecord | undefined, from: Point, to: Point): Point[] {
  const border = record ? outline(record) : null;
  if (!border) return [];
  const { points, closed } = border;
  const place = (p: Point): number | null => {
    let best: { place: number; off: number } | null = null;
    for (let i = 0; i < points.length - (closed ? 0 : 1); i++) {
      const a = points[i];
      const b = points[(i + 1) % points.length];
      if (!a || !b) continue;
      const { at, t } = nearestOnSegment(p, a, b);
      const off = distance(at, p);
      if (best === null || off < best.off - 1e-9) best = { place: i + t, off };
    }
    return best && best.off < 1 ? best.place : null;
  };
  const [start, end] = [place(from), place(to)];
  if (start === null || end === null) return [];
  const walk = (step: 1 | -1): Point[] => {
    const found: Point[] = [];
    const n = points.length;
    let i = step === 1 ? Math.floor(start) + 1 : Math.ceil(start) - 1;
    for (let guard = 0; guard <= n; guard++) {
      const passed = step === 1 ? (i - start + n) % n || n : (start - i + n) % n || n;
      const whole = step === 1 ? (end - start + n) % n : (start - end + n) % n;
      if (passed >= whole - 1e-9) break;
      const vertex = points[((i % n) + n) % n];
      if (vertex) found.push({ x: vertex.x, y: vertex.y });
      i += step;
    }
    return found;
  };
  const length = (way: readonly Point[]): number =>
    [...way, to].reduce((sum, p, i) => sum + distance(way[i - 1] ?? from, p), 0);
  if (!closed) return end > start ? walk(1) : walk(-1);
  const [forward, back] = [walk(1), walk(-1)];
  return length(forward) <= length(back) ? forward : back;
}
