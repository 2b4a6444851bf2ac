/** Cuboids in perspective: the four corners of one face and the two far corners of the side that shows (none: only the face shows). */

import {
  type Area,
  areaOf,
  clampPoint,
  type Grip,
  type Handle,
  height,
  insideRing,
  nearPath,
  type Point,
  type Problem,
  type Shape,
  signedArea,
  sizeProblems,
  tracePath,
  width,
} from "../shape";
import { inPerspective } from "./camera";

export const FACE = ["face-topleft", "face-bottomleft", "face-topright", "face-bottomright"] as const;
export const SIDE = ["side-topcorner", "side-bottomcorner"] as const;
export type Corner = (typeof FACE)[number] | (typeof SIDE)[number];

export interface CuboidVertex extends Point {
  readonly description: Corner;
}

export interface CuboidData {
  readonly vertices: readonly CuboidVertex[];
  /** Edges and 3D points as they came, kept until the shape changes. */
  readonly given?: Readonly<Record<string, unknown>>;
}

export function cornerMap(data: CuboidData): ReadonlyMap<Corner, Point> {
  return new Map(data.vertices.map(({ description, x, y }) => [description, { x, y }]));
}

export function cuboidOf(corners: ReadonlyMap<Corner, Point>): CuboidData {
  return {
    vertices: [...FACE, ...SIDE].flatMap((description) => {
      const at = corners.get(description);
      return at ? [{ description, x: at.x, y: at.y }] : [];
    }),
  };
}

const corner = (at: ReadonlyMap<Corner, Point>, name: Corner): Point => at.get(name) ?? { x: 0, y: 0 };

export const hasSide = (data: CuboidData): boolean =>
  data.vertices.some((v) => v.description === "side-topcorner");

/** The visible side is right of the face when its far corner lies right of the face's middle. */
export function sideIsRight(data: CuboidData): boolean {
  const at = cornerMap(data);
  const middle = FACE.reduce((sum, name) => sum + corner(at, name).x, 0) / 4;
  return corner(at, "side-topcorner").x >= middle;
}

export function faceRing(data: CuboidData): Point[] {
  const at = cornerMap(data);
  return [
    corner(at, "face-topleft"),
    corner(at, "face-topright"),
    corner(at, "face-bottomright"),
    corner(at, "face-bottomleft"),
  ];
}

export function sideRing(data: CuboidData): Point[] {
  if (!hasSide(data)) return [];
  const at = cornerMap(data);
  const near = sideIsRight(data) ? "right" : "left";
  return [
    corner(at, `face-top${near}`),
    corner(at, "side-topcorner"),
    corner(at, "side-bottomcorner"),
    corner(at, `face-bottom${near}`),
  ];
}

/** A face from corner to corner with a side of a quarter of its width, on the side that has room. */
export function cuboidFromCorners(a: Point, b: Point, frame: Area): CuboidData {
  const { left, top, right, bottom } = areaOf([a, b]);
  const [w, h] = [right - left, bottom - top];
  const toRight = frame.right - right >= Math.min(w * 0.35, left - frame.left);
  const reach = Math.min(w * 0.35, toRight ? frame.right - right : left - frame.left);
  const x = toRight ? right + reach : left - reach;
  return cuboidOf(
    new Map<Corner, Point>([
      ["face-topleft", { x: left, y: top }],
      ["face-bottomleft", { x: left, y: bottom }],
      ["face-topright", { x: right, y: top }],
      ["face-bottomright", { x: right, y: bottom }],
      ["side-topcorner", { x, y: top + h * 0.06 }],
      ["side-bottomcorner", { x, y: bottom - h * 0.16 }],
    ]),
  );
}

export interface CuboidEdge {
  readonly description: string;
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly type: "edge";
}

/** All edges in published order and direction. */
export function edgesOf(data: CuboidData): CuboidEdge[] {
  const at = cornerMap(data);
  const edge = (description: string, a: Corner, b: Corner): CuboidEdge => {
    const [p, q] = [corner(at, a), corner(at, b)];
    return { description, x1: p.x, y1: p.y, x2: q.x, y2: q.y, type: "edge" };
  };
  const edges = [
    edge("face-top", "face-topleft", "face-topright"),
    edge("face-right", "face-topright", "face-bottomright"),
    edge("face-bottom", "face-bottomleft", "face-bottomright"),
    edge("face-left", "face-topleft", "face-bottomleft"),
  ];
  if (!hasSide(data)) return edges;
  const near = sideIsRight(data) ? "right" : "left";
  return [
    ...edges,
    edge("side-bottom", `face-bottom${near}`, "side-bottomcorner"),
    edge("side-top", `face-top${near}`, "side-topcorner"),
  ];
}

/** Corners that keep the same x or y as the dragged one while the face is an upright rectangle. */
const MATES: Readonly<Record<string, { x: Corner; y: Corner }>> = {
  "face-topleft": { x: "face-bottomleft", y: "face-topright" },
  "face-bottomleft": { x: "face-topleft", y: "face-bottomright" },
  "face-topright": { x: "face-bottomright", y: "face-topleft" },
  "face-bottomright": { x: "face-topright", y: "face-bottomleft" },
};

function dragged(data: CuboidData, id: string, grip: Grip): CuboidData {
  const at = new Map(cornerMap(data));
  const to = clampPoint(grip.to, grip.frame);
  if (id === "depth") {
    const [top, bottom] = [corner(at, "side-topcorner"), corner(at, "side-bottomcorner")];
    const middle = (top.y + bottom.y) / 2;
    at.set("side-topcorner", clampPoint({ x: to.x, y: top.y + to.y - middle }, grip.frame));
    at.set("side-bottomcorner", clampPoint({ x: to.x, y: bottom.y + to.y - middle }, grip.frame));
  } else {
    const name = id as Corner;
    const mates = MATES[name];
    const before = corner(at, name);
    if (mates && !grip.constrained) {
      const [mx, my] = [corner(at, mates.x), corner(at, mates.y)];
      if (Math.abs(mx.x - before.x) < 0.5) at.set(mates.x, { x: to.x, y: mx.y });
      if (Math.abs(my.y - before.y) < 0.5) at.set(mates.y, { x: my.x, y: to.y });
    } else if (!mates && !grip.constrained) {
      const other: Corner = name === "side-topcorner" ? "side-bottomcorner" : "side-topcorner";
      at.set(other, { x: to.x, y: corner(at, other).y });
    }
    at.set(name, to);
  }
  return corrected(cuboidOf(at), grip);
}

/** Where the camera is known, what was drawn becomes the projection of a true cuboid that stands on the ground. */
export function corrected(data: CuboidData, { limits, frame }: Pick<Grip, "limits" | "frame">): CuboidData {
  if (!limits.camera || !hasSide(data)) return data;
  const solved = inPerspective(limits.camera, cornerMap(data), sideIsRight(data));
  if (solved === null) return data;
  const next = cuboidOf(solved.corners);
  const b = areaOf(next.vertices);
  const outside =
    b.left < frame.left || b.top < frame.top || b.right > frame.right || b.bottom > frame.bottom;
  return outside ? data : next;
}

export const cuboid: Shape<CuboidData> = {
  kind: "cuboid",
  filled: true,
  bounds: (c) => areaOf(c.vertices),
  points: (c) => c.vertices,
  hits: (c, p, slack) => {
    const side = sideRing(c);
    return (
      insideRing(p, faceRing(c)) ||
      nearPath(p, faceRing(c), slack, true) ||
      (side.length > 0 && (insideRing(p, side) || nearPath(p, side, slack, true)))
    );
  },
  area: (c) => Math.abs(signedArea(faceRing(c))) + Math.abs(signedArea(sideRing(c))),
  handles: (c) => {
    const found: Handle[] = c.vertices.map(({ description, x, y }) => ({
      id: description,
      at: { x, y },
      role: "vertex",
      cursor: "move",
    }));
    if (hasSide(c)) {
      const at = cornerMap(c);
      const [p, q] = [corner(at, "side-topcorner"), corner(at, "side-bottomcorner")];
      found.push({
        id: "depth",
        at: { x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 },
        role: "edge",
        cursor: "ew-resize",
      });
    }
    return found;
  },
  dragged,
  moved: (c, dx, dy) => ({ vertices: c.vertices.map((v) => ({ ...v, x: v.x + dx, y: v.y + dy })) }),
  trace: (c, sink) => {
    tracePath(faceRing(c), sink, true);
    const side = sideRing(c);
    if (side.length > 0) tracePath(side, sink, true);
  },
  problems: (c, limits): readonly Problem[] => {
    const b = areaOf(c.vertices);
    return width(b) > 0 && height(b) > 0
      ? sizeProblems(width(b), height(b), limits)
      : [{ key: "image.problem.flat", values: {} }];
  },
  size: (c) => {
    const b = areaOf(c.vertices);
    return { width: width(b), height: height(b) };
  },
};
