/** Ellipses by the four ends of their axes: v0–v2 is one axis, v1–v3 the other (upright: top, right, bottom, left). */

import {
  areaOf,
  CURSORS,
  clampNumber,
  clampPoint,
  type Grip,
  type Handle,
  type Point,
  type Problem,
  rotated,
  type Shape,
  sizeProblems,
} from "../shape";

export interface EllipseData {
  readonly vertices: readonly Point[];
  readonly given?: Readonly<Record<string, unknown>>;
}

interface Axes {
  readonly centre: Point;
  readonly rx: number;
  readonly ry: number;
  /** Of the axis v3→v1, radians clockwise. */
  readonly turn: number;
}

const at = (e: EllipseData, i: number): Point => e.vertices[i] ?? { x: 0, y: 0 };

export function axesOf(e: EllipseData): Axes {
  const [v0, v1, v2, v3] = [at(e, 0), at(e, 1), at(e, 2), at(e, 3)];
  return {
    centre: { x: (v0.x + v1.x + v2.x + v3.x) / 4, y: (v0.y + v1.y + v2.y + v3.y) / 4 },
    rx: Math.hypot(v1.x - v3.x, v1.y - v3.y) / 2,
    ry: Math.hypot(v0.x - v2.x, v0.y - v2.y) / 2,
    turn: Math.atan2(v1.y - v3.y, v1.x - v3.x),
  };
}

export function ellipseOf({ centre, rx, ry, turn }: Axes): EllipseData {
  const ends: Point[] = [
    { x: 0, y: -ry },
    { x: rx, y: 0 },
    { x: 0, y: ry },
    { x: -rx, y: 0 },
  ];
  const origin = { x: 0, y: 0 };
  return {
    vertices: ends.map((end) => {
      const p = turn === 0 ? end : rotated(end, origin, turn);
      return { x: centre.x + p.x, y: centre.y + p.y };
    }),
  };
}

export function ellipseFromCorners(a: Point, b: Point): EllipseData {
  return ellipseOf({
    centre: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
    rx: Math.abs(a.x - b.x) / 2,
    ry: Math.abs(a.y - b.y) / 2,
    turn: 0,
  });
}

function extent({ rx, ry, turn }: Axes): { w: number; h: number } {
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  return { w: Math.hypot(rx * cos, ry * sin), h: Math.hypot(rx * sin, ry * cos) };
}

const KAPPA = 0.5522847498;

function dragged(e: EllipseData, id: string, grip: Grip): EllipseData {
  const axes = axesOf(e);
  if (id === "rotate") {
    let angle = Math.atan2(grip.to.y - axes.centre.y, grip.to.x - axes.centre.x) + Math.PI / 2;
    if (grip.constrained) angle = Math.round(angle / (Math.PI / 12)) * (Math.PI / 12);
    return ellipseOf({ ...axes, turn: angle });
  }
  const i = Number(id.slice(1));
  const to = rotated(clampPoint(grip.to, grip.frame), axes.centre, -axes.turn);
  // The opposite end of the same axis stays; Shift keeps the centre instead.
  const horizontal = i === 1 || i === 3;
  const sign = i === 1 || i === 2 ? 1 : -1;
  const radius = horizontal ? axes.rx : axes.ry;
  const along = ((horizontal ? to.x - axes.centre.x : to.y - axes.centre.y) * sign + radius) / 2;
  const next = clampNumber(grip.constrained ? along * 2 - radius : along, 0.5, Infinity);
  const shift = grip.constrained ? 0 : (next - radius) * sign;
  const moved = rotated(
    { x: axes.centre.x + (horizontal ? shift : 0), y: axes.centre.y + (horizontal ? 0 : shift) },
    axes.centre,
    axes.turn,
  );
  return ellipseOf({ ...axes, centre: moved, ...(horizontal ? { rx: next } : { ry: next }) });
}

export const ellipse: Shape<EllipseData> = {
  kind: "ellipse",
  filled: true,
  bounds: (e) => {
    const axes = axesOf(e);
    const { w, h } = extent(axes);
    const { x, y } = axes.centre;
    return { left: x - w, top: y - h, right: x + w, bottom: y + h };
  },
  points: (e) => e.vertices,
  hits: (e, p, slack) => {
    const { centre, rx, ry, turn } = axesOf(e);
    const q = rotated(p, centre, -turn);
    const [x, y] = [(q.x - centre.x) / (rx + slack), (q.y - centre.y) / (ry + slack)];
    return x * x + y * y <= 1;
  },
  area: (e) => {
    const { rx, ry } = axesOf(e);
    return Math.PI * rx * ry;
  },
  handles: (e) => {
    const cursors = [CURSORS.n, CURSORS.e, CURSORS.n, CURSORS.e];
    const found: Handle[] = e.vertices.map((v, i) => ({
      id: `v${i}`,
      at: v,
      role: "edge",
      cursor: cursors[i] ?? "move",
    }));
    found.push({ id: "rotate", at: at(e, 0), role: "rotate", cursor: "grab" });
    return found;
  },
  dragged: (e, id, grip) => {
    const next = dragged(e, id, grip);
    const b = areaOf(next.vertices);
    const { frame } = grip;
    const inside =
      b.left >= frame.left - 1e-6 &&
      b.top >= frame.top - 1e-6 &&
      b.right <= frame.right + 1e-6 &&
      b.bottom <= frame.bottom + 1e-6;
    return inside ? next : e;
  },
  moved: (e, dx, dy) => ({ vertices: e.vertices.map((v) => ({ ...v, x: v.x + dx, y: v.y + dy })) }),
  trace: (e, sink) => {
    const { centre, rx, ry, turn } = axesOf(e);
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    const on = (x: number, y: number): [number, number] => [
      centre.x + x * cos - y * sin,
      centre.y + x * sin + y * cos,
    ];
    const [kx, ky] = [rx * KAPPA, ry * KAPPA];
    sink.moveTo(...on(0, -ry));
    sink.bezierCurveTo(...on(kx, -ry), ...on(rx, -ky), ...on(rx, 0));
    sink.bezierCurveTo(...on(rx, ky), ...on(kx, ry), ...on(0, ry));
    sink.bezierCurveTo(...on(-kx, ry), ...on(-rx, ky), ...on(-rx, 0));
    sink.bezierCurveTo(...on(-rx, -ky), ...on(-kx, -ry), ...on(0, -ry));
    sink.closePath();
  },
  problems: (e, limits): readonly Problem[] => {
    const { rx, ry } = axesOf(e);
    if (rx <= 0 || ry <= 0) return [{ key: "image.problem.flat", values: {} }];
    return sizeProblems(rx * 2, ry * 2, limits).filter(
      (p) => p.key.endsWith("wide") || p.key.endsWith("high"),
    );
  },
  size: () => null,
};
