/** Open lines; with `splines` the vertices are knots of a centripetal Catmull-Rom curve. */

import { dragVertex, most, type PathData, pathBounds, pathHandles, shiftAll } from "../polygon/polygon";
import {
  type Area,
  areaOf,
  clampPoint,
  distance,
  nearPath,
  type PathSink,
  type Point,
  type Shape,
  tracePath,
  vertexProblems,
} from "../shape";

interface Bezier {
  readonly a: Point;
  readonly b: Point;
  readonly to: Point;
}

/** The curve through the knots as one cubic for each span (knot spacing: square root of the distance). */
export function splineCurves(knots: readonly Point[]): Bezier[] {
  const curves: Bezier[] = [];
  for (let i = 0; i + 1 < knots.length; i++) {
    const p1 = knots[i];
    const p2 = knots[i + 1];
    if (!p1 || !p2) continue;
    const p0 = knots[i - 1] ?? { x: 2 * p1.x - p2.x, y: 2 * p1.y - p2.y };
    const p3 = knots[i + 2] ?? { x: 2 * p2.x - p1.x, y: 2 * p2.y - p1.y };
    const [d1, d2, d3] = [distance(p0, p1), distance(p1, p2), distance(p2, p3)];
    const [s1, s2, s3] = [Math.sqrt(d1), Math.sqrt(d2), Math.sqrt(d3)];
    const control = (near: Point, far: Point, before: Point, sb: number, db: number): Point => {
      if (sb < 1e-9 || s2 < 1e-9) return near;
      const n = 3 * sb * (sb + s2);
      const m = 2 * db + 3 * sb * s2 + d2;
      return {
        x: (db * far.x - d2 * before.x + m * near.x) / n,
        y: (db * far.y - d2 * before.y + m * near.y) / n,
      };
    };
    curves.push({ a: control(p1, p2, p0, s1, d1), b: control(p2, p1, p3, s3, d3), to: p2 });
  }
  return curves;
}

/** Points along the curve, close enough together for hit tests. */
export function splinePoints(knots: readonly Point[], perSpan = 12): Point[] {
  const first = knots[0];
  if (!first) return [];
  const points: Point[] = [first];
  let from = first;
  for (const { a, b, to } of splineCurves(knots)) {
    for (let i = 1; i <= perSpan; i++) {
      const t = i / perSpan;
      const u = 1 - t;
      const [k0, k1, k2, k3] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
      points.push({
        x: k0 * from.x + k1 * a.x + k2 * b.x + k3 * to.x,
        y: k0 * from.y + k1 * a.y + k2 * b.y + k3 * to.y,
      });
    }
    from = to;
  }
  return points;
}

function traceSpline(knots: readonly Point[], sink: PathSink): void {
  const first = knots[0];
  if (!first) return;
  sink.moveTo(first.x, first.y);
  for (const { a, b, to } of splineCurves(knots)) sink.bezierCurveTo(a.x, a.y, b.x, b.y, to.x, to.y);
}

const curveBounds = new WeakMap<object, Area>();

export const line: Shape<PathData> = {
  kind: "line",
  filled: false,
  // A curve may swing beyond its knots; taking it into account always costs little and needs no limits here.
  bounds: (l) => {
    if (l.vertices.length < 3) return pathBounds(l);
    let found = curveBounds.get(l);
    if (found === undefined) {
      found = areaOf([...l.vertices, ...splinePoints(l.vertices, 6)]);
      curveBounds.set(l, found);
    }
    return found;
  },
  points: (l) => l.vertices,
  hits: (l, at, slack, limits) =>
    nearPath(at, limits.splines ? splinePoints(l.vertices) : l.vertices, slack, false),
  area: () => 0,
  handles: (l, limits) => pathHandles(l.vertices, false, most(limits.max_vertices, 2)),
  dragged: (l, id, grip) => ({ vertices: dragVertex(l.vertices, id, clampPoint(grip.to, grip.frame)) }),
  moved: (l, dx, dy) => ({ vertices: shiftAll(l.vertices, dx, dy) }),
  trace: (l, sink, limits) =>
    limits.splines ? traceSpline(l.vertices, sink) : tracePath(l.vertices, sink, false),
  problems: (l, limits) => vertexProblems(l.vertices, 2, limits),
  size: () => null,
};
