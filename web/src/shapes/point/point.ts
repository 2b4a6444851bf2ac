/** Points: one position, drawn at a fixed size on the screen. */

import { clampPoint, distance, type Point, type Shape } from "../shape";

export interface PointData extends Point {
  readonly given?: Readonly<Record<string, unknown>>;
}

export const point: Shape<PointData> = {
  kind: "point",
  filled: true,
  bounds: ({ x, y }) => ({ left: x, top: y, right: x, bottom: y }),
  points: (p) => [p],
  // The mark is as large on the screen at every zoom, a good deal larger than the position itself.
  hits: (p, at, slack) => distance(p, at) <= slack * 2,
  area: () => 0,
  handles: (p) => [{ id: "v0", at: p, role: "vertex", cursor: "move" }],
  dragged: (_, __, grip) => clampPoint(grip.to, grip.frame),
  moved: (p, dx, dy) => ({ x: p.x + dx, y: p.y + dy }),
  trace: () => undefined,
  problems: () => [],
  size: () => null,
};
