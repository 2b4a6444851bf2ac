/** How image coordinates appear on the screen: scale, quarter turns, offset. Immutable; screen coordinates are CSS pixels in the canvas. */

import type { Area, Point } from "../shapes/shape";

export interface ScreenSize {
  readonly width: number;
  readonly height: number;
}

export type Turn = 0 | 1 | 2 | 3;

const LEAST_SCALE = 0.005;
const MOST_SCALE = 64;

export class Viewport {
  /** `x`, `y`: where the image's origin is on the screen. */
  constructor(
    readonly scale = 1,
    readonly x = 0,
    readonly y = 0,
    readonly turn: Turn = 0,
  ) {}

  sameAs(other: Viewport): boolean {
    return this.scale === other.scale && this.x === other.x && this.y === other.y && this.turn === other.turn;
  }

  /** Direction of the image's x axis on the screen; the y axis is a quarter turn on. */
  get axis(): readonly [number, number] {
    const axes = [
      [1, 0],
      [0, 1],
      [-1, 0],
      [0, -1],
    ] as const;
    return axes[this.turn];
  }

  toScreen(p: Point): Point {
    const [c, s] = this.axis;
    return { x: this.x + this.scale * (p.x * c - p.y * s), y: this.y + this.scale * (p.x * s + p.y * c) };
  }

  toImage(p: Point): Point {
    const [c, s] = this.axis;
    const [x, y] = [(p.x - this.x) / this.scale, (p.y - this.y) / this.scale];
    return { x: x * c + y * s, y: y * c - x * s };
  }

  /** The six numbers of a canvas transform. */
  matrix(ratio = 1): [number, number, number, number, number, number] {
    const [c, s] = this.axis;
    const k = this.scale * ratio;
    return [k * c, k * s, -k * s, k * c, this.x * ratio, this.y * ratio];
  }

  areaToScreen(area: Area): Area {
    const a = this.toScreen({ x: area.left, y: area.top });
    const b = this.toScreen({ x: area.right, y: area.bottom });
    return {
      left: Math.min(a.x, b.x),
      top: Math.min(a.y, b.y),
      right: Math.max(a.x, b.x),
      bottom: Math.max(a.y, b.y),
    };
  }

  areaToImage(area: Area): Area {
    const a = this.toImage({ x: area.left, y: area.top });
    const b = this.toImage({ x: area.right, y: area.bottom });
    return {
      left: Math.min(a.x, b.x),
      top: Math.min(a.y, b.y),
      right: Math.max(a.x, b.x),
      bottom: Math.max(a.y, b.y),
    };
  }

  panned(dx: number, dy: number): Viewport {
    return new Viewport(this.scale, this.x + dx, this.y + dy, this.turn);
  }

  /** Zoomed so that what is under a point of the screen stays there. */
  zoomed(factor: number, at: Point): Viewport {
    const scale = Math.min(Math.max(this.scale * factor, LEAST_SCALE), MOST_SCALE);
    const k = scale / this.scale;
    return new Viewport(scale, at.x - (at.x - this.x) * k, at.y - (at.y - this.y) * k, this.turn);
  }

  /** A quarter turn clockwise about the middle of the screen. */
  turned(quarters: number, size: ScreenSize): Viewport {
    const middle = { x: size.width / 2, y: size.height / 2 };
    const centre = this.toImage(middle);
    const turn = (((this.turn + quarters) % 4) + 4) % 4;
    return new Viewport(this.scale, 0, 0, turn as Turn).centred(centre, size);
  }

  centred(at: Point, size: ScreenSize): Viewport {
    const now = this.toScreen(at);
    return this.panned(size.width / 2 - now.x, size.height / 2 - now.y);
  }

  /** Everything of an area visible, with a margin in screen pixels; never more than `most` times enlarged. */
  fitted(area: Area, size: ScreenSize, margin = 24, most = MOST_SCALE): Viewport {
    const [w, h] = [Math.max(area.right - area.left, 1e-3), Math.max(area.bottom - area.top, 1e-3)];
    const [sw, sh] = this.turn % 2 === 0 ? [w, h] : [h, w];
    const room = {
      width: Math.max(size.width - 2 * margin, 16),
      height: Math.max(size.height - 2 * margin, 16),
    };
    const scale = Math.min(room.width / sw, room.height / sh, most);
    const centre = { x: (area.left + area.right) / 2, y: (area.top + area.bottom) / 2 };
    return new Viewport(Math.min(Math.max(scale, LEAST_SCALE), MOST_SCALE), 0, 0, this.turn).centred(
      centre,
      size,
    );
  }
}
