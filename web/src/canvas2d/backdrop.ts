/** All of the picture and its shapes, coarse, beneath everything: what is seen where the view moves faster than it is painted. */

import type { Area } from "../shapes/shape";
import type { PictureSource } from "./picture";
import { Plane } from "./plane";
import type { Viewport } from "./viewport";

const SIDE = 1024;
/** Milliseconds of painting in one go. */
const SLICE = 5;

/** Draws shapes a few at a time; `pixel` is how many image pixels one of the canvas is. */
export type ShapePainter = (context: CanvasRenderingContext2D, area: Area, pixel: number) => Iterator<void>;

export class Backdrop {
  readonly #plane: Plane;
  /** Where the next version is painted. */
  readonly #next = document.createElement("canvas");
  /** Image pixels for one of the backdrop. */
  #step = 1;
  #dirty = false;
  #job: Iterator<void> | null = null;

  constructor(
    parent: HTMLElement,
    private readonly shapes: ShapePainter,
  ) {
    this.#plane = new Plane(parent, false);
  }

  invalidate(): void {
    this.#dirty = true;
    this.#job = null;
  }

  /** `covered`: nothing of it can be seen, so it need not be put together with the rest in every frame. */
  place(viewport: Viewport, covered: boolean): void {
    if (covered) {
      this.#plane.move("translate(-100000px, 0)", false);
      return;
    }
    const [a, b, c, d, e, f] = viewport.matrix();
    const k = this.#step;
    this.#plane.move(`matrix(${a * k}, ${b * k}, ${c * k}, ${d * k}, ${e}, ${f})`, true);
  }

  /** Paints for a while, when nothing else is to be done; true when nothing is left to paint. */
  work(picture: PictureSource | null, filter: string): boolean {
    if (picture?.overview == null) return true;
    if (this.#job === null && this.#dirty) {
      this.#dirty = false;
      this.#job = this.#paint(picture, picture.overview, filter);
    }
    const until = performance.now() + SLICE;
    while (this.#job !== null && performance.now() < until) {
      if (this.#job.next().done === true) this.#job = null;
    }
    return this.#job === null && !this.#dirty;
  }

  *#paint(picture: PictureSource, overview: CanvasImageSource, filter: string): Iterator<void> {
    const { width, height } = picture;
    const step = Math.max(width, height) / SIDE;
    const next = this.#next;
    next.width = Math.max(1, Math.round(width / step));
    next.height = Math.max(1, Math.round(height / step));
    const context = next.getContext("2d", { alpha: false, willReadFrequently: true });
    if (context === null) return;
    context.setTransform(1 / step, 0, 0, 1 / step, 0, 0);
    context.filter = filter || "none";
    context.drawImage(overview, 0, 0, width, height);
    context.filter = "none";
    const shapes = this.shapes(context, { left: 0, top: 0, right: width, bottom: height }, step);
    while (shapes.next().done !== true) {
      context.getImageData(0, 0, 1, 1); // draws what has only been noted
      yield;
    }
    this.#step = step;
    this.#plane.show(next, next.width, next.height);
  }

  dispose(): void {
    this.#job = null;
    this.#plane.dispose();
  }
}
