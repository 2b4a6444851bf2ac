/** All geometries by their kind. */

import { box } from "./box/box";
import { cuboid } from "./cuboid/cuboid";
import { ellipse } from "./ellipse/ellipse";
import { line } from "./line/line";
import { point } from "./point/point";
import { polygon } from "./polygon/polygon";
import type { Shape } from "./shape";

export const SHAPES: ReadonlyMap<string, Shape> = new Map(
  [box, polygon, line, point, ellipse, cuboid].map((shape) => [shape.kind, shape as Shape]),
);

export function shapeOf(kind: string): Shape {
  const found = SHAPES.get(kind);
  if (found === undefined) throw new Error(`no shape of kind ${kind}`);
  return found;
}
