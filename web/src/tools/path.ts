/** Polygon, line and point: vertices by clicks. Ctrl follows the borders of neighbours; the same machine draws the knives of split and cut. */

import { shapeOf } from "../shapes";
import { clampPoint, distance, type Point } from "../shapes/shape";
import { alongBorder } from "./border";
import { DRAG, type Pointer, type Preview, SNAP, type Tool, type ToolHost } from "./tool";

export interface PathToolOptions {
  readonly id: string;
  readonly kind: "polygon" | "line";
  /** What happens with the finished vertices; by default they become a shape. */
  readonly done?: (vertices: readonly Point[]) => boolean;
  /** Why it cannot be used now. */
  readonly why?: () => { key: string; tone: "reason" } | null;
}

export class PathTool implements Tool {
  readonly id: string;
  readonly cursor = "crosshair";
  #vertices: Point[] = [];
  /** For each vertex the neighbour whose border it lies on. */
  #borders: (string | null)[] = [];
  /** How many vertices each click has added, for taking them back. */
  #clicks: number[] = [];
  #now: Point | null = null;
  #snap: { at: Point; record: string } | null = null;
  #pressed: Point | null = null;

  constructor(
    private readonly host: ToolHost,
    private readonly options: PathToolOptions,
  ) {
    this.id = options.id;
  }

  get busy(): boolean {
    return this.#vertices.length > 0;
  }

  get #closed(): boolean {
    return this.options.kind === "polygon";
  }

  #place(p: Pointer): Point {
    this.#snap = p.mod || this.host.limits(this.options.kind).can_snap ? this.host.snap(p.at, null) : null;
    let at = clampPoint(this.#snap?.at ?? p.at, this.host.frame());
    const last = this.#vertices.at(-1);
    if (p.shift && last && this.#snap === null) {
      const angle = Math.round(Math.atan2(at.y - last.y, at.x - last.x) / (Math.PI / 4)) * (Math.PI / 4);
      const reach = distance(at, last);
      at = clampPoint(
        { x: last.x + Math.cos(angle) * reach, y: last.y + Math.sin(angle) * reach },
        this.host.frame(),
      );
    }
    return at;
  }

  #closes(at: Point): boolean {
    const first = this.#vertices[0];
    return (
      this.#closed &&
      first !== undefined &&
      this.#vertices.length >= 3 &&
      distance(at, first) <= this.host.pixels(SNAP)
    );
  }

  down(p: Pointer): void {
    const reason = this.options.why ? this.options.why() : this.host.whyNotDraw(this.options.kind);
    if (reason !== null) {
      this.host.tell(reason);
      return;
    }
    this.#now = this.#place(p);
    this.#pressed = p.at;
  }

  move(p: Pointer): void {
    this.#now = this.#place(p);
  }

  up(p: Pointer): void {
    if (this.#pressed === null) return;
    this.#pressed = null;
    const at = this.#place(p);
    if (this.#closes(p.at)) {
      this.#finish();
      return;
    }
    this.#add(at);
  }

  #add(at: Point): void {
    const last = this.#vertices.at(-1);
    if (last && distance(last, at) <= this.host.pixels(1)) return;
    const border = this.#snap?.record ?? null;
    const way =
      last && border !== null && this.#borders.at(-1) === border
        ? alongBorder(this.host.doc.records.get(border), last, at)
        : [];
    const limits = this.host.limits(this.options.kind);
    const most = this.options.done ? Infinity : (limits.max_vertices ?? Infinity);
    if (this.#vertices.length + way.length + 1 > most) {
      this.host.tell({
        key: "image.problem.manyVertices",
        values: { limit: most, now: most },
        tone: "reason",
      });
      return;
    }
    this.#vertices.push(...way, at);
    for (let i = 0; i <= way.length; i++) this.#borders.push(border);
    this.#clicks.push(way.length + 1);
    this.#now = at;
    this.host.tell({ key: this.#closed ? "image.hint.polygon" : "image.hint.line", tone: "hint" });
  }

  double(): void {
    if (this.busy) this.#finish();
  }

  #finish(): void {
    const data = { vertices: this.#vertices };
    const { done, kind } = this.options;
    const limits = done ? {} : this.host.limits(kind);
    const [problem] = shapeOf(kind).problems(data, limits);
    if (problem !== undefined) {
      this.host.tell({ ...problem, tone: "reason" });
      return;
    }
    if (done) {
      if (done(this.#vertices)) this.cancel();
      return;
    }
    this.cancel();
    this.host.drawn(kind, data);
  }

  key(key: "Enter" | "Escape" | "Backspace"): boolean {
    if (!this.busy) return false;
    if (key === "Enter") this.#finish();
    else if (key === "Escape") this.cancel();
    else {
      const n = this.#clicks.pop() ?? 1;
      this.#vertices = this.#vertices.slice(0, -n);
      this.#borders = this.#borders.slice(0, -n);
    }
    return true;
  }

  cancel(): void {
    this.#vertices = [];
    this.#borders = [];
    this.#clicks = [];
    this.#pressed = null;
  }

  preview(): Preview | null {
    const snap = this.#snap?.at ?? null;
    if (!this.busy) {
      return snap
        ? {
            kind: this.options.kind,
            data: { vertices: [] },
            vertices: [],
            closing: false,
            problems: [],
            snap,
          }
        : null;
    }
    const now = this.#now;
    const closing = now !== null && this.#closes(now);
    const vertices = now && !closing ? [...this.#vertices, now] : this.#vertices;
    return {
      kind: this.options.kind,
      data: { vertices },
      vertices: this.#vertices,
      closing,
      problems: [],
      snap,
      knife: this.options.done !== undefined,
    };
  }
}

/** One click, one point. */
export class PointTool implements Tool {
  readonly id = "point";
  readonly cursor = "crosshair";
  readonly busy = false;
  #pressed: Point | null = null;

  constructor(private readonly host: ToolHost) {}

  down(p: Pointer): void {
    const reason = this.host.whyNotDraw("point");
    if (reason !== null) {
      this.host.tell(reason);
      return;
    }
    this.#pressed = p.at;
  }

  move(): void {
    /* nothing is under way between clicks */
  }

  up(p: Pointer): void {
    const pressed = this.#pressed;
    this.#pressed = null;
    if (pressed === null || distance(pressed, p.at) > this.host.pixels(DRAG * 3)) return;
    const at = (p.mod ? this.host.snap(p.at, null)?.at : undefined) ?? p.at;
    this.host.drawn("point", { ...clampPoint(at, this.host.frame()) });
  }

  key(): boolean {
    return false;
  }

  cancel(): void {
    this.#pressed = null;
  }

  preview(): Preview | null {
    return null;
  }
}
