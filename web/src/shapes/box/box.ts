/** Boxes, upright or turned about their centre (radians, clockwise). */

import {
  type Area,
  areaOf,
  CURSORS,
  clampNumber,
  clampPoint,
  type Grip,
  type Handle,
  insideRing,
  type Limits,
  type Point,
  type Problem,
  positive,
  rotated,
  type Shape,
  sizeProblems,
  tracePath,
} from "../shape";

export interface BoxData {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly rotation?: number;
  /** Wire keys that follow from the others, kept as they came until the shape changes. */
  readonly given?: Readonly<Record<string, unknown>>;
}

const centreOf = (b: BoxData): Point => ({ x: b.left + b.width / 2, y: b.top + b.height / 2 });

/** Corners clockwise from the one that is top-left before rotation. */
export function corners(box: BoxData): [Point, Point, Point, Point] {
  const { left, top, width, height } = box;
  const upright: [Point, Point, Point, Point] = [
    { x: left, y: top },
    { x: left + width, y: top },
    { x: left + width, y: top + height },
    { x: left, y: top + height },
  ];
  if (!box.rotation) return upright;
  const centre = centreOf(box);
  const turn = (p: Point) => rotated(p, centre, box.rotation ?? 0);
  return [turn(upright[0]), turn(upright[1]), turn(upright[2]), turn(upright[3])];
}

export function boxFromCorners(a: Point, b: Point): BoxData {
  return {
    left: Math.min(a.x, b.x),
    top: Math.min(a.y, b.y),
    width: Math.abs(a.x - b.x),
    height: Math.abs(a.y - b.y),
  };
}

/** Into (−π, π]. */
export function normalAngle(radians: number): number {
  if (radians > -Math.PI && radians <= Math.PI) return radians;
  const turn = 2 * Math.PI;
  const angle = ((((radians + Math.PI) % turn) + turn) % turn) - Math.PI;
  return angle <= -Math.PI ? Math.PI : angle;
}

/** Whole pixels: both edges rounded half up, at least one pixel. */
export function inWholePixels(box: BoxData): BoxData {
  const half = (v: number) => Math.floor(v + 0.5);
  const [left, top] = [half(box.left), half(box.top)];
  return {
    left,
    top,
    width: Math.max(1, half(box.left + box.width) - left),
    height: Math.max(1, half(box.top + box.height) - top),
  };
}

const fits = (box: BoxData, frame: Area): boolean =>
  corners(box).every(
    (p) =>
      p.x >= frame.left - 1e-6 &&
      p.x <= frame.right + 1e-6 &&
      p.y >= frame.top - 1e-6 &&
      p.y <= frame.bottom + 1e-6,
  );

/** Which sides a handle moves: −1 left or top, 1 right or bottom, 0 neither. */
const SIDES: Readonly<Record<string, readonly [number, number]>> = {
  nw: [-1, -1],
  n: [0, -1],
  ne: [1, -1],
  e: [1, 0],
  se: [1, 1],
  s: [0, 1],
  sw: [-1, 1],
  w: [-1, 0],
};

function resized(box: BoxData, id: string, grip: Grip): BoxData {
  const side = SIDES[id];
  if (!side) return box;
  const { limits, frame } = grip;
  const turn = box.rotation ?? 0;
  const centre = centreOf(box);
  // In the box's own axes the opposite side stays where it is.
  const to = rotated(turn ? grip.to : clampPoint(grip.to, frame), centre, -turn);
  const [sx, sy] = side;
  const floor = (low: number | null | undefined) => Math.max(positive(low), Number.EPSILON);
  const roof = (high: number | null | undefined) => positive(high) || Infinity;
  const least: [number, number] = [floor(limits.min_width), floor(limits.min_height)];
  const most: [number, number] = [roof(limits.max_width), roof(limits.max_height)];
  const anchorX = sx < 0 ? box.left + box.width : box.left;
  const anchorY = sy < 0 ? box.top + box.height : box.top;
  let w = sx === 0 ? box.width : clampNumber((to.x - anchorX) * sx, least[0], most[0]);
  let h = sy === 0 ? box.height : clampNumber((to.y - anchorY) * sy, least[1], most[1]);
  if (grip.constrained && sx !== 0 && sy !== 0 && box.width > 0 && box.height > 0) {
    // No larger than the frame and the limits have room for; a turned box is looked at below.
    const room = (at: number, low: number, high: number, side: number) => (side < 0 ? at - low : high - at);
    const roomX = turn ? Infinity : room(anchorX, frame.left, frame.right, sx);
    const roomY = turn ? Infinity : room(anchorY, frame.top, frame.bottom, sy);
    const largest = Math.min(Math.min(roomX, most[0]) / box.width, Math.min(roomY, most[1]) / box.height);
    const factor = Math.min(Math.max(w / box.width, h / box.height), largest);
    [w, h] = [box.width * factor, box.height * factor];
  }
  const local = {
    left: sx < 0 ? anchorX - w : box.left,
    top: sy < 0 ? anchorY - h : box.top,
    width: w,
    height: h,
  };
  if (!turn) return insideFrame(local, frame, sx, sy);
  const middle = rotated(centreOf(local), centre, turn);
  const next = { ...local, left: middle.x - w / 2, top: middle.y - h / 2, rotation: turn };
  return fits(next, frame) ? next : box;
}

/** A box whose limits pushed it over the border is shifted back by its free side. */
function insideFrame(box: BoxData, frame: Area, sx: number, sy: number): BoxData {
  let { left, top } = box;
  if (sx < 0 && left < frame.left) left = frame.left;
  if (sy < 0 && top < frame.top) top = frame.top;
  if (sx > 0 && left + box.width > frame.right) left = Math.max(frame.left, frame.right - box.width);
  if (sy > 0 && top + box.height > frame.bottom) top = Math.max(frame.top, frame.bottom - box.height);
  return { ...box, left, top };
}

export const box: Shape<BoxData> = {
  kind: "box",
  filled: true,
  bounds: (b) =>
    b.rotation
      ? areaOf(corners(b))
      : { left: b.left, top: b.top, right: b.left + b.width, bottom: b.top + b.height },
  points: (b) => corners(b),
  hits: (b, at, slack) => {
    const p = b.rotation ? rotated(at, centreOf(b), -b.rotation) : at;
    return (
      p.x >= b.left - slack &&
      p.x <= b.left + b.width + slack &&
      p.y >= b.top - slack &&
      p.y <= b.top + b.height + slack &&
      insideRing(
        p,
        corners({
          left: b.left - slack,
          top: b.top - slack,
          width: b.width + 2 * slack,
          height: b.height + 2 * slack,
        }),
      )
    );
  },
  area: (b) => b.width * b.height,
  handles: (b, limits) => {
    const [nw, ne, se, sw] = corners(b);
    const mid = (p: Point, q: Point): Point => ({ x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 });
    const found: Handle[] = [
      { id: "nw", at: nw, role: "corner", cursor: CURSORS.nw },
      { id: "n", at: mid(nw, ne), role: "edge", cursor: CURSORS.n },
      { id: "ne", at: ne, role: "corner", cursor: CURSORS.ne },
      { id: "e", at: mid(ne, se), role: "edge", cursor: CURSORS.e },
      { id: "se", at: se, role: "corner", cursor: CURSORS.nw },
      { id: "s", at: mid(sw, se), role: "edge", cursor: CURSORS.n },
      { id: "sw", at: sw, role: "corner", cursor: CURSORS.ne },
      { id: "w", at: mid(nw, sw), role: "edge", cursor: CURSORS.e },
    ];
    if (limits.can_rotate) found.push({ id: "rotate", at: mid(nw, ne), role: "rotate", cursor: "grab" });
    return found;
  },
  dragged: (b, id, grip) => {
    if (id !== "rotate") return resized(b, id, grip);
    const centre = centreOf(b);
    let angle = Math.atan2(grip.to.y - centre.y, grip.to.x - centre.x) + Math.PI / 2;
    if (grip.constrained) angle = Math.round(angle / (Math.PI / 12)) * (Math.PI / 12);
    const { given: _, ...plain } = b;
    const next = { ...plain, rotation: normalAngle(angle) };
    return fits(next, grip.frame) ? next : b;
  },
  moved: ({ given: _, ...b }, dx, dy) => ({ ...b, left: b.left + dx, top: b.top + dy }),
  trace: (b, sink) => tracePath(corners(b), sink, true),
  problems: (b, limits: Limits): readonly Problem[] =>
    b.width > 0 && b.height > 0
      ? sizeProblems(b.width, b.height, limits)
      : [{ key: "image.problem.flat", values: {} }],
  size: (b) => ({ width: b.width, height: b.height }),
};
