/** Merging, cutting and splitting of polygons. */

import polygonClipping, { type MultiPolygon, type Ring } from "polygon-clipping";
import { type Point, signedArea, tidy } from "../shape";
import type { PathData } from "./polygon";

const ringOf = (points: readonly Point[]): Ring => points.map(({ x, y }) => [tidy(x), tidy(y)]);

function points(ring: Ring | undefined): Point[] {
  const found = (ring ?? []).map(([x, y]) => ({ x: tidy(x), y: tidy(y) }));
  const [first, last] = [found[0], found.at(-1)];
  if (found.length > 1 && first && last && first.x === last.x && first.y === last.y) found.pop();
  return found;
}

const asWire = (p: PathData): Ring[] => [ringOf(p.vertices), ...(p.holes ?? []).map(ringOf)];

/** Parts of a result; tiny slivers that rounding leaves are dropped. */
function parts(result: MultiPolygon): PathData[] {
  return result.flatMap((rings) => {
    const vertices = points(rings[0]);
    if (vertices.length < 3 || Math.abs(signedArea(vertices)) < 0.5) return [];
    const holes = rings
      .slice(1)
      .map(points)
      .filter((ring) => ring.length >= 3 && Math.abs(signedArea(ring)) >= 0.5);
    return [holes.length > 0 ? { vertices, holes } : { vertices }];
  });
}

/** The union: one polygon if they touch, several otherwise. */
export function merged(polygons: readonly PathData[]): PathData[] {
  const [first, ...rest] = polygons.map(asWire);
  return first ? parts(polygonClipping.union(first, ...rest)) : [];
}

/** What remains of a polygon without another. */
export function cut(from: PathData, ring: readonly Point[]): PathData[] {
  return parts(polygonClipping.difference(asWire(from), [ringOf(ring)]));
}

/** The pieces left and right of a line drawn across; one piece when the line does not cross. */
export function split(data: PathData, across: readonly Point[]): PathData[] {
  const [first, second] = [across[0], across.at(-1)];
  const before = across.at(-2);
  const after = across[1];
  if (!first || !second || !before || !after) return [data];
  // The line, led far beyond its ends and back around one side, is a polygon that holds that side's pieces.
  const far = 1e5;
  const lead = (from: Point, to: Point): Point => {
    const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
    return { x: to.x + ((to.x - from.x) / length) * far, y: to.y + ((to.y - from.y) / length) * far };
  };
  const start = lead(after, first);
  const end = lead(before, second);
  const direction = { x: end.x - start.x, y: end.y - start.y };
  const length = Math.hypot(direction.x, direction.y) || 1;
  const off = { x: (-direction.y / length) * far, y: (direction.x / length) * far };
  const side = [
    start,
    ...across,
    end,
    { x: end.x + off.x, y: end.y + off.y },
    { x: start.x + off.x, y: start.y + off.y },
  ];
  const one = parts(polygonClipping.intersection(asWire(data), [ringOf(side)]));
  const other = cut(data, side);
  return one.length > 0 && other.length > 0 ? [...one, ...other] : [data];
}
