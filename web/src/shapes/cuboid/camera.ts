/**
 * Cuboids of a known camera: the drawn corners become the projection of a box that stands upright on flat ground. World axes equal the camera's
 * at rest (x right, y down, z forward), so up is −y and the ground lies at y = height. The scale of everything is that of the height.
 */

import type { Camera, Point } from "../shape";
import type { Corner } from "./cuboid";

type Vector = readonly [number, number, number];

const add = (a: Vector, b: Vector, k = 1): Vector => [a[0] + k * b[0], a[1] + k * b[1], a[2] + k * b[2]];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Turns by a quaternion, or back with `inverse`. */
function turn({ rotation }: Camera, v: Vector, inverse = false): Vector {
  const norm = Math.hypot(rotation.w, rotation.x, rotation.y, rotation.z) || 1;
  const sign = inverse ? -1 : 1;
  const w = rotation.w / norm;
  const [x, y, z] = [(sign * rotation.x) / norm, (sign * rotation.y) / norm, (sign * rotation.z) / norm];
  const [tx, ty, tz] = [2 * (y * v[2] - z * v[1]), 2 * (z * v[0] - x * v[2]), 2 * (x * v[1] - y * v[0])];
  return [v[0] + w * tx + y * tz - z * ty, v[1] + w * ty + z * tx - x * tz, v[2] + w * tz + x * ty - y * tx];
}

/** Direction in world axes of the ray through a pixel. */
function ray(camera: Camera, p: Point): Vector {
  const y = (p.y - camera.cy) / camera.fy;
  return turn(camera, [(p.x - camera.cx - camera.skew * y) / camera.fx, y, 1]);
}

function project(camera: Camera, world: Vector): Point | null {
  const [x, y, z] = turn(camera, world, true);
  if (z <= 1e-9) return null;
  return { x: camera.fx * (x / z) + camera.skew * (y / z) + camera.cx, y: camera.fy * (y / z) + camera.cy };
}

function onGround(camera: Camera, p: Point): Vector | null {
  const d = ray(camera, p);
  const h = Math.abs(camera.height) || 1;
  if (d[1] <= 1e-6) return null;
  const k = h / d[1];
  return [d[0] * k, h, d[2] * k];
}

/** Height above the ground at which the vertical through `foot` comes closest to the ray through a pixel. */
function heightAt(camera: Camera, foot: Vector, p: Point): number {
  const d = ray(camera, p);
  const flat = d[0] * d[0] + d[2] * d[2];
  if (flat < 1e-12) return 0;
  const k = (foot[0] * d[0] + foot[2] * d[2]) / flat;
  return foot[1] - k * d[1];
}

export interface Solved {
  readonly corners: ReadonlyMap<Corner, Point>;
  /** Face TL, BL, TR, BR, then the opposite face in the same order. */
  readonly points2d: readonly Point[];
  /** The same in camera coordinates. */
  readonly points3d: readonly { readonly x: number; readonly y: number; readonly z: number }[];
}

/** Null where the corners cannot stand on the ground (above the horizon, behind the camera, flat). */
export function inPerspective(
  camera: Camera,
  drawn: ReadonlyMap<Corner, Point>,
  rightSide: boolean,
): Solved | null {
  const pixel = (name: Corner): Point => drawn.get(name) ?? { x: 0, y: 0 };
  const left = onGround(camera, pixel("face-bottomleft"));
  const right = onGround(camera, pixel("face-bottomright"));
  const far = onGround(camera, pixel("side-bottomcorner"));
  if (!left || !right || !far) return null;
  const along = add(right, left, -1);
  const length = Math.hypot(along[0], along[2]);
  if (length < 1e-6) return null;
  const across: Vector = [-along[2] / length, 0, along[0] / length];
  const near = rightSide ? right : left;
  const depth = dot(add(far, near, -1), across);
  const tall =
    (heightAt(camera, left, pixel("face-topleft")) + heightAt(camera, right, pixel("face-topright"))) / 2;
  if (tall <= 1e-6 || Math.abs(depth) < 1e-6) return null;
  const up: Vector = [0, -tall, 0];
  const face: Vector[] = [add(left, up), left, add(right, up), right];
  const world = [...face, ...face.map((v) => add(v, across, depth))];
  const points2d: Point[] = [];
  for (const v of world) {
    const p = project(camera, v);
    if (p === null) return null;
    points2d.push(p);
  }
  const at = (i: number): Point => points2d[i] ?? { x: 0, y: 0 };
  return {
    corners: new Map<Corner, Point>([
      ["face-topleft", at(0)],
      ["face-bottomleft", at(1)],
      ["face-topright", at(2)],
      ["face-bottomright", at(3)],
      ["side-topcorner", at(rightSide ? 6 : 4)],
      ["side-bottomcorner", at(rightSide ? 7 : 5)],
    ]),
    points2d,
    points3d: world.map((v) => {
      const [x, y, z] = turn(camera, v, true);
      return { x, y, z };
    }),
  };
}
