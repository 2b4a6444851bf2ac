/** Polygons: one ring of vertices, implicitly closed, in drawing order. */

import {
  type Area,
  areaOf,
  clampPoint,
  distance,
  type Handle,
  insideRing,
  nearestOnSegment,
  nearPath,
  type Point,
  type Shape,
  signedArea,
  tracePath,
  vertexProblems,
} from "../shape";

export interface PathData {
  readonly vertices: readonly Point[];
  /** Rings cut out, where the task type has a form for them. */
  readonly holes?: readonly (readonly Point[])[];
  readonly given?: Readonly<Record<string, unknown>>;
}

// Bounds are asked for again and again while the data stays the same object.
const boundsKept = new WeakMap<object, Area>();

export function pathBounds(data: PathData): Area {
  let found = boundsKept.get(data);
  if (found === undefined) {
    found = areaOf(data.vertices);
    boundsKept.set(data, found);
  }
  return found;
}

export const shiftAll = (points: readonly Point[], dx: number, dy: number): Point[] =>
  points.map((p) => ({ ...p, x: p.x + dx, y: p.y + dy }));

/** Vertices as `v<i>`, middles of the edges after vertex i as `m<i>`; few enough to be told apart. */
export function pathHandles(vertices: readonly Point[], closed: boolean, most: number): Handle[] {
  const found: Handle[] = vertices.map((at, i) => ({ id: `v${i}`, at, role: "vertex", cursor: "move" }));
  if (vertices.length >= most) return found;
  for (let i = 0; i < vertices.length - (closed ? 0 : 1); i++) {
    const a = vertices[i];
    const b = vertices[(i + 1) % vertices.length];
    if (a && b)
      found.push({
        id: `m${i}`,
        at: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
        role: "middle",
        cursor: "copy",
      });
  }
  return found;
}

export function dragVertex(vertices: readonly Point[], id: string, to: Point): Point[] {
  const i = Number(id.slice(1));
  if (id.startsWith("m")) return [...vertices.slice(0, i + 1), to, ...vertices.slice(i + 1)];
  return vertices.map((v, at) => (at === i ? { ...v, x: to.x, y: to.y } : v));
}

/** Where a new vertex would go: the edge nearest to a point. */
export function nearestEdge(
  vertices: readonly Point[],
  p: Point,
  closed: boolean,
): { after: number; at: Point; distance: number } | null {
  let best: { after: number; at: Point; distance: number } | null = null;
  for (let i = 0; i < vertices.length - (closed ? 0 : 1); i++) {
    const a = vertices[i];
    const b = vertices[(i + 1) % vertices.length];
    if (!a || !b) continue;
    const { at } = nearestOnSegment(p, a, b);
    const off = distance(p, at);
    if (best === null || off < best.distance) best = { after: i, at, distance: off };
  }
  return best;
}

export const most = (limit: number | null | undefined, floor: number): number =>
  limit == null ? Number.POSITIVE_INFINITY : Math.max(limit, floor);

export const polygon: Shape<PathData> = {
  kind: "polygon",
  filled: true,
  bounds: pathBounds,
  points: (p) => p.vertices,
  hits: (p, at, slack) => {
    const b = pathBounds(p);
    if (at.x < b.left - slack || at.x > b.right + slack || at.y < b.top - slack || at.y > b.bottom + slack)
      return false;
    if (nearPath(at, p.vertices, slack, true)) return true;
    return insideRing(at, p.vertices) && !(p.holes ?? []).some((hole) => insideRing(at, hole));
  },
  area: (p) =>
    Math.abs(signedArea(p.vertices)) -
    (p.holes ?? []).reduce((sum, hole) => sum + Math.abs(signedArea(hole)), 0),
  handles: (p, limits) => pathHandles(p.vertices, true, most(limits.max_vertices, 3)),
  dragged: (p, id, grip) => ({
    vertices: dragVertex(p.vertices, id, clampPoint(grip.to, grip.frame)),
    ...(p.holes ? { holes: p.holes } : {}),
  }),
  moved: (p, dx, dy) => ({
    vertices: shiftAll(p.vertices, dx, dy),
    ...(p.holes ? { holes: p.holes.map((hole) => shiftAll(hole, dx, dy)) } : {}),
  }),
  trace: (p, sink) => {
    tracePath(p.vertices, sink, true);
    for (const hole of p.holes ?? []) tracePath(hole, sink, true);
  },
  problems: (p, limits) => vertexProblems(p.vertices, 3, limits),
  size: () => null,
};
