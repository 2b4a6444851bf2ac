/**
 * What every geometry offers to tools, drawing and hit tests. Coordinates are pixels of the original image, x right, y down; all functions are
 * pure. A geometry is one folder here whose `Shape` is entered in `index.ts`.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** An axis-parallel area; also the frame in which shapes must lie (the image and its padding). */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What a task may demand of a geometry; the keys are those of the params. */
export interface Limits {
  readonly min_width?: number | null;
  readonly min_height?: number | null;
  readonly max_width?: number | null;
  readonly max_height?: number | null;
  readonly min_vertices?: number | null;
  readonly max_vertices?: number | null;
  readonly can_rotate?: boolean | null;
  readonly integer_pixels?: boolean | null;
  readonly splines?: boolean | null;
  readonly can_snap?: boolean | null;
  readonly camera?: Camera | null;
}

/** A pinhole camera above flat ground. `rotation` turns camera axes into world axes; at rest x is right, y down, z forward. */
export interface Camera {
  readonly fx: number;
  readonly fy: number;
  readonly cx: number;
  readonly cy: number;
  readonly skew: number;
  readonly rotation: { readonly w: number; readonly x: number; readonly y: number; readonly z: number };
  readonly height: number;
}

/** Why a shape breaks its limits: key of a message and the values in it. */
export interface Problem {
  readonly key: string;
  readonly values: Readonly<Record<string, number | string>>;
}

export interface Handle {
  readonly id: string;
  readonly at: Point;
  /** `middle` handles add a vertex where they are grabbed. */
  readonly role: "corner" | "edge" | "vertex" | "middle" | "rotate";
  readonly cursor?: string;
}

export interface Grip {
  readonly to: Point;
  readonly limits: Limits;
  readonly frame: Area;
  /** Shift: keep proportions, or snap the angle. */
  readonly constrained?: boolean;
}

/** Takes path commands, on a canvas or as the text of an SVG path. */
export interface PathSink {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  bezierCurveTo(ax: number, ay: number, bx: number, by: number, x: number, y: number): void;
  closePath(): void;
}

export interface Shape<Data = unknown> {
  readonly kind: string;
  /** Whether the inside is filled and can be hit. */
  readonly filled: boolean;
  bounds(data: Data): Area;
  /** Positions that must lie within the frame. */
  points(data: Data): readonly Point[];
  /** Whether a point touches the shape; `slack` is how far off it may be, in image pixels. */
  hits(data: Data, at: Point, slack: number, limits: Limits): boolean;
  /** For choosing among shapes on top of each other: the smaller wins. */
  area(data: Data): number;
  handles(data: Data, limits: Limits): readonly Handle[];
  /** The shape with one handle dragged somewhere, inside the frame and within what is possible. */
  dragged(data: Data, handle: string, grip: Grip): Data;
  moved(data: Data, dx: number, dy: number): Data;
  trace(data: Data, sink: PathSink, limits: Limits): void;
  /** Further lines that are drawn but not filled. */
  traceInner?(data: Data, sink: PathSink): void;
  problems(data: Data, limits: Limits): readonly Problem[];
  /** Width and height for offsets inside the shape; null where it has none. */
  size(data: Data): { readonly width: number; readonly height: number } | null;
}

/** Pixels by which rounding to four decimals may change a size. */
const ROUNDING = 2e-4;

export function areaOf(points: readonly Point[]): Area {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of points) {
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  return { left, top, right, bottom };
}

export const width = (area: Area): number => area.right - area.left;
export const height = (area: Area): number => area.bottom - area.top;

export function grown(area: Area, by: number): Area {
  return { left: area.left - by, top: area.top - by, right: area.right + by, bottom: area.bottom + by };
}

export function overlap(a: Area, b: Area): boolean {
  return a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;
}

export function contains(outer: Area, inner: Area): boolean {
  return (
    outer.left <= inner.left &&
    outer.top <= inner.top &&
    outer.right >= inner.right &&
    outer.bottom >= inner.bottom
  );
}

export function union(a: Area | null, b: Area): Area {
  if (a === null) return b;
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

export function clampNumber(value: number, low: number, high: number): number {
  return high < low ? low : Math.min(Math.max(value, low), high);
}

export function clampPoint(at: Point, frame: Area): Point {
  return { x: clampNumber(at.x, frame.left, frame.right), y: clampNumber(at.y, frame.top, frame.bottom) };
}

/** How far a shape may be moved so that it stays in the frame; a shape larger than the frame does not move. */
export function clampMove(bounds: Area, dx: number, dy: number, frame: Area): Point {
  const along = (d: number, low: number, high: number) => (low > high ? 0 : Math.min(Math.max(d, low), high));
  return {
    x: along(dx, Math.min(0, frame.left - bounds.left), Math.max(0, frame.right - bounds.right)),
    y: along(dy, Math.min(0, frame.top - bounds.top), Math.max(0, frame.bottom - bounds.bottom)),
  };
}

export const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** The point of the segment a–b that is nearest to p, and how far along (0 to 1). */
export function nearestOnSegment(p: Point, a: Point, b: Point): { at: Point; t: number } {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const squared = dx * dx + dy * dy;
  const t = squared === 0 ? 0 : clampNumber(((p.x - a.x) * dx + (p.y - a.y) * dy) / squared, 0, 1);
  return { at: { x: a.x + t * dx, y: a.y + t * dy }, t };
}

export function nearPath(p: Point, path: readonly Point[], slack: number, closed: boolean): boolean {
  const n = path.length;
  for (let i = closed ? 0 : 1; i < n; i++) {
    const a = path[(i + n - 1) % n];
    const b = path[i];
    if (a && b && distance(p, nearestOnSegment(p, a, b).at) <= slack) return true;
  }
  return false;
}

/** Even-odd rule, as everywhere. */
export function insideRing(p: Point, ring: readonly Point[]): boolean {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const a = ring[i];
    const b = ring[j];
    if (a && b && a.y > p.y !== b.y > p.y && p.x < ((b.x - a.x) * (p.y - a.y)) / (b.y - a.y) + a.x)
      inside = !inside;
  }
  return inside;
}

/** Positive when the ring runs clockwise on the screen. */
export function signedArea(ring: readonly Point[]): number {
  let doubled = 0;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const a = ring[j];
    const b = ring[i];
    if (a && b) doubled += a.x * b.y - b.x * a.y;
  }
  return doubled / 2;
}

export function rotated(at: Point, centre: Point, radians: number): Point {
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const [dx, dy] = [at.x - centre.x, at.y - centre.y];
  return { x: centre.x + dx * cos - dy * sin, y: centre.y + dx * sin + dy * cos };
}

export function tracePath(points: readonly Point[], sink: PathSink, closed: boolean): void {
  points.forEach(({ x, y }, i) => {
    if (i === 0) sink.moveTo(x, y);
    else sink.lineTo(x, y);
  });
  if (closed && points.length > 0) sink.closePath();
}

/** A coordinate as it is sent: four decimals. */
export function tidy(value: number): number {
  const rounded = Math.round(value * 1e4) / 1e4;
  return rounded === 0 ? 0 : rounded;
}

export const tidyPoint = <P extends Point>(at: P): P => ({ ...at, x: tidy(at.x), y: tidy(at.y) });

export const positive = (value: number | null | undefined): number => (value && value > 0 ? value : 0);

/** A side against its limits. */
export function sizeProblems(w: number, h: number, limits: Limits): Problem[] {
  const found: Problem[] = [];
  const add = (key: string, limit: number, now: number) =>
    found.push({ key, values: { limit, now: Math.round(now * 10) / 10 } });
  if (w < positive(limits.min_width) - ROUNDING) add("image.problem.narrow", positive(limits.min_width), w);
  if (h < positive(limits.min_height) - ROUNDING) add("image.problem.low", positive(limits.min_height), h);
  const [mostW, mostH] = [positive(limits.max_width), positive(limits.max_height)];
  if (mostW > 0 && w > mostW + ROUNDING) add("image.problem.wide", mostW, w);
  if (mostH > 0 && h > mostH + ROUNDING) add("image.problem.high", mostH, h);
  return found;
}

export function vertexProblems(vertices: readonly Point[], least: number, limits: Limits): Problem[] {
  const distinct = new Set(vertices.map((v) => `${tidy(v.x)} ${tidy(v.y)}`)).size;
  const floor = Math.max(least, limits.min_vertices ?? 1);
  const most = limits.max_vertices == null ? Number.POSITIVE_INFINITY : Math.max(limits.max_vertices, least);
  if (distinct < least || vertices.length < floor)
    return [
      {
        key: "image.problem.fewVertices",
        values: { limit: floor, now: Math.min(distinct, vertices.length) },
      },
    ];
  if (vertices.length > most)
    return [{ key: "image.problem.manyVertices", values: { limit: most, now: vertices.length } }];
  return [];
}

/** Resize cursors by direction, for handles in screen space. */
export const CURSORS = { n: "ns-resize", e: "ew-resize", ne: "nesw-resize", nw: "nwse-resize" } as const;
