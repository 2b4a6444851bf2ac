/** Box, ellipse and cuboid are drawn by their extent: press and drag, or click, move and click. */

import { shapeOf } from "../shapes";
import { boxFromCorners, inWholePixels } from "../shapes/box/box";
import { corrected, cuboidFromCorners } from "../shapes/cuboid/cuboid";
import { ellipseFromCorners } from "../shapes/ellipse/ellipse";
import { type Area, clampPoint, distance, type Limits, type Point, positive } from "../shapes/shape";
import { DRAG, type Pointer, type Preview, type Tool, type ToolHost } from "./tool";

type Build = (a: Point, b: Point, limits: Limits, frame: Area) => unknown;

const BUILD: Readonly<Record<string, Build>> = {
  box: (a, b, limits) => {
    const box = boxFromCorners(a, b);
    return limits.can_rotate ? { ...box, rotation: 0 } : limits.integer_pixels ? inWholePixels(box) : box;
  },
  ellipse: ellipseFromCorners,
  cuboid: (a, b, limits, frame) => corrected(cuboidFromCorners(a, b, frame), { limits, frame }),
};

/** The second corner within the frame, the greatest size and, constrained, on the diagonal. */
function secondCorner(from: Point, to: Point, limits: Limits, frame: Area, constrained: boolean): Point {
  let { x, y } = clampPoint(to, frame);
  let [dx, dy] = [x - from.x, y - from.y];
  if (constrained) {
    const side = Math.min(Math.abs(dx), Math.abs(dy));
    dx = Math.sign(dx) * side;
    dy = Math.sign(dy) * side;
  }
  const [w, h] = [positive(limits.max_width) || Infinity, positive(limits.max_height) || Infinity];
  dx = Math.sign(dx) * Math.min(Math.abs(dx), w);
  dy = Math.sign(dy) * Math.min(Math.abs(dy), h);
  [x, y] = [from.x + dx, from.y + dy];
  return { x, y };
}

export class ExtentTool implements Tool {
  readonly cursor = "crosshair";
  #from: Point | null = null;
  #to: Point | null = null;
  #pressed = false;
  #snap: Point | null = null;
  #constrained = false;

  constructor(
    private readonly host: ToolHost,
    readonly id: string,
    private readonly kind: "box" | "ellipse" | "cuboid",
  ) {}

  get busy(): boolean {
    return this.#from !== null;
  }

  #place(p: Pointer): Point {
    const snapped = p.mod ? this.host.snap(p.at, null) : null;
    this.#snap = snapped?.at ?? null;
    this.#constrained = p.shift;
    return clampPoint(snapped?.at ?? p.at, this.host.frame());
  }

  down(p: Pointer): void {
    if (this.#from !== null) return;
    const reason = this.host.whyNotDraw(this.kind);
    if (reason !== null) {
      this.host.tell(reason);
      return;
    }
    this.host.tell(null);
    this.#from = this.#place(p);
    this.#to = this.#from;
    this.#pressed = true;
  }

  move(p: Pointer): void {
    const at = this.#place(p);
    if (this.#from !== null) this.#to = at;
  }

  up(p: Pointer): void {
    if (this.#from === null) return;
    this.#to = this.#place(p);
    const far = distance(this.#from, this.#to) > this.host.pixels(DRAG);
    if (this.#pressed && !far) {
      this.#pressed = false;
      this.host.tell({ key: "image.hint.secondCorner", tone: "hint" });
      return;
    }
    const dragged = this.#pressed;
    this.#pressed = false;
    this.#finish(dragged);
  }

  #data(): unknown {
    if (this.#from === null || this.#to === null) return null;
    const limits = this.host.limits(this.kind);
    const frame = this.host.frame();
    const to = secondCorner(this.#from, this.#to, limits, frame, this.#constrained);
    return BUILD[this.kind]?.(this.#from, to, limits, frame) ?? null;
  }

  #finish(dropIfWrong: boolean): void {
    const data = this.#data();
    if (data === null) return;
    const [problem] = shapeOf(this.kind).problems(data, this.host.limits(this.kind));
    if (problem !== undefined) {
      // After a drag there is nothing to go on with; after a click the second corner can still be set.
      this.host.tell({ ...problem, tone: "reason" });
      if (dropIfWrong) this.cancel();
      return;
    }
    this.cancel();
    this.host.drawn(this.kind, data);
  }

  key(key: "Enter" | "Escape" | "Backspace"): boolean {
    if (this.#from === null) return false;
    if (key === "Enter") this.#finish(false);
    else this.cancel();
    return true;
  }

  cancel(): void {
    this.#from = null;
    this.#to = null;
    this.#pressed = false;
  }

  preview(): Preview | null {
    const data = this.#data();
    if (data === null || this.#from === null) {
      return this.#snap ? { ...NOTHING, kind: this.kind, snap: this.#snap } : null;
    }
    const problems = shapeOf(this.kind).problems(data, this.host.limits(this.kind));
    return { kind: this.kind, data, vertices: [], closing: false, problems, snap: this.#snap };
  }
}

const NOTHING = { data: null, vertices: [], closing: false, problems: [] } as const;

/** A turned box in three clicks: two ends of one side, then how far the opposite side is. */
export class RotatedBoxTool implements Tool {
  readonly id = "rotated-box";
  readonly cursor = "crosshair";
  #ends: Point[] = [];
  #now: Point | null = null;

  constructor(private readonly host: ToolHost) {}

  get busy(): boolean {
    return this.#ends.length > 0;
  }

  #place(p: Pointer): Point {
    return clampPoint((p.mod ? this.host.snap(p.at, null)?.at : undefined) ?? p.at, this.host.frame());
  }

  down(p: Pointer): void {
    if (this.#ends.length > 0) return;
    const reason = this.host.whyNotDraw("box");
    if (reason !== null) {
      this.host.tell(reason);
      return;
    }
    this.#ends = [this.#place(p)];
    this.#now = this.#ends[0] ?? null;
    this.host.tell({ key: "image.hint.firstSide", tone: "hint" });
  }

  move(p: Pointer): void {
    if (this.#ends.length > 0) this.#now = this.#place(p);
  }

  up(p: Pointer): void {
    const [first] = this.#ends;
    if (first === undefined) return;
    this.#now = this.#place(p);
    if (this.#ends.length === 1) {
      if (distance(first, this.#now) <= this.host.pixels(DRAG)) return;
      this.#ends = [first, this.#now];
      this.host.tell({ key: "image.hint.otherSide", tone: "hint" });
    } else this.#finish();
  }

  #data(): unknown {
    const [a, b] = this.#ends;
    const c = this.#now;
    if (!a || !c) return null;
    const to = b ?? c;
    const angle = Math.atan2(to.y - a.y, to.x - a.x);
    const across = b ? (c.x - a.x) * -Math.sin(angle) + (c.y - a.y) * Math.cos(angle) : 0;
    const [w, h] = [distance(a, to), Math.abs(across)];
    const centre = {
      x: (a.x + to.x) / 2 - (Math.sin(angle) * across) / 2,
      y: (a.y + to.y) / 2 + (Math.cos(angle) * across) / 2,
    };
    return { left: centre.x - w / 2, top: centre.y - h / 2, width: w, height: h, rotation: angle };
  }

  #finish(): void {
    const data = this.#data();
    if (data === null || this.#ends.length < 2) return;
    const [problem] = this.#problems(data);
    if (problem !== undefined) {
      this.host.tell({ ...problem, tone: "reason" });
      return;
    }
    this.cancel();
    this.host.drawn("box", data);
  }

  #problems(data: unknown) {
    const box = shapeOf("box");
    const { left, top, right, bottom } = box.bounds(data);
    const frame = this.host.frame();
    const outside =
      left < frame.left - 0.5 ||
      top < frame.top - 0.5 ||
      right > frame.right + 0.5 ||
      bottom > frame.bottom + 0.5;
    return outside
      ? [{ key: "image.problem.outside", values: {} }]
      : box.problems(data, this.host.limits("box"));
  }

  key(key: "Enter" | "Escape" | "Backspace"): boolean {
    if (this.#ends.length === 0) return false;
    if (key === "Enter") this.#finish();
    else if (key === "Backspace" && this.#ends.length === 2) this.#ends = this.#ends.slice(0, 1);
    else this.cancel();
    return true;
  }

  cancel(): void {
    this.#ends = [];
    this.#now = null;
  }

  preview(): Preview | null {
    const data = this.#data();
    if (data === null) return null;
    const problems = this.#ends.length === 2 ? this.#problems(data) : [];
    return { kind: "box", data, vertices: this.#ends, closing: false, problems, snap: null };
  }
}
