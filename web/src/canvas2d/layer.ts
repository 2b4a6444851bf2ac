/**
 * A layer at rest: a bitmap larger than the view, painted once in slices and moved by a transform while the view moves. It is painted anew when
 * the view has come to rest, or when the view has left what was painted.
 */

import type { Area } from "../shapes/shape";
import { Plane } from "./plane";
import type { ScreenSize, Viewport } from "./viewport";

/** Screen pixels painted beyond each border of the view. */
const MARGIN = 192;
/** Milliseconds of painting in one go, so that no frame is late. */
const SLICE = 7;
/** While the view moves, most of a frame is left to moving it, and a new bitmap is begun only so often (milliseconds). */
const MOVING_SLICE = 3;
const MOVING_PAUSE = 120;
/** A bitmap enlarged more than this is not waited for to rest. */
const COARSE = 8;

/** Paints for a while at a time: each `next()` does a little. Coordinates are image pixels (a transform is set). */
export type Painter = (
  context: CanvasRenderingContext2D,
  area: Area,
  viewport: Viewport,
  ratio: number,
) => Iterator<void>;

export class RestingLayer {
  readonly #plane: Plane;
  readonly #canvas = document.createElement("canvas");
  readonly #context: CanvasRenderingContext2D;
  /** What the plane shows: where the view was, or null when nothing has been painted yet, and how large. */
  #shown: { readonly viewport: Viewport; readonly size: ScreenSize } | null = null;
  #job: { steps: Iterator<void>; viewport: Viewport; size: ScreenSize } | null = null;
  #dirty = true;
  /** More could be shown, at rest. */
  #stale = false;
  #finished = 0;
  #size: ScreenSize = { width: 0, height: 0 };

  constructor(
    parent: HTMLElement,
    private readonly paint: Painter,
    opaque: boolean,
    private readonly ratio: () => number,
    /** Where there is anything to paint: what lies beyond it need not be covered. */
    private readonly content: () => Area,
  ) {
    this.#plane = new Plane(parent, !opaque);
    // Painted in slices by the processor: a graphics card would do it all at once when the bitmap is shown.
    const context = this.#canvas.getContext("2d", { alpha: !opaque, willReadFrequently: true });
    if (context === null) throw new Error("this browser has no 2D canvas");
    this.#context = context;
  }

  resize(size: ScreenSize): void {
    this.#size = size;
    this.#dirty = true;
    this.#job = null;
  }

  /** What is painted is no longer right. */
  invalidate(): void {
    this.#dirty = true;
    this.#job = null;
  }

  /** What is painted is right, but there is better by now. */
  improve(): void {
    this.#stale = true;
  }

  /** The area of the image that the painted bitmap covers. */
  get covered(): Area | null {
    return this.#shown === null ? null : this.#shown.viewport.areaToImage(withMargin(this.#shown.size));
  }

  /** Moves the bitmap to where the view is now. */
  place(viewport: Viewport): void {
    const shown = this.#shown?.viewport;
    if (shown === undefined) return;
    const k = viewport.scale / shown.scale;
    const x = viewport.x - k * (shown.x + MARGIN);
    const y = viewport.y - k * (shown.y + MARGIN);
    if (k === 1) this.#plane.move(`translate(${x}px, ${y}px)`, false);
    else this.#plane.move(`matrix(${k}, 0, 0, ${k}, ${x}, ${y})`, true);
  }

  /** Paints for a while where that is needed; true when nothing is left to paint. */
  work(viewport: Viewport, atRest: boolean): boolean {
    if (this.#job === null && this.#needed(viewport, atRest)) this.#begin(viewport);
    const job = this.#job;
    if (job === null) return !this.#needed(viewport, true);
    const until = performance.now() + (atRest ? SLICE : MOVING_SLICE);
    for (;;) {
      const done = job.steps.next().done === true;
      // Canvases only note what is drawn on them; reading makes them do it, now and not in the frame that shows the bitmap.
      this.#context.getImageData(0, 0, 1, 1);
      if (done) {
        this.#finish(job, viewport);
        return !this.#needed(viewport, true);
      }
      if (performance.now() >= until) return false;
    }
  }

  #needed(viewport: Viewport, atRest: boolean): boolean {
    const shown = this.#shown?.viewport;
    if (shown === undefined || this.#dirty) return true;
    if (shown.turn !== viewport.turn) return true;
    if (atRest)
      return (
        this.#stale || shown.scale !== viewport.scale || shown.x !== viewport.x || shown.y !== viewport.y
      );
    // While the view moves: only when it shows what was not painted, and not all the time. What is zoomed is scaled until it rests.
    if (performance.now() - this.#finished < MOVING_PAUSE) return false;
    if (viewport.scale !== shown.scale) return viewport.scale / shown.scale > COARSE;
    const view = viewport.areaToImage({
      left: 0,
      top: 0,
      right: this.#size.width,
      bottom: this.#size.height,
    });
    const have = this.covered;
    const all = this.content();
    return (
      have === null ||
      Math.max(view.left, all.left) < have.left ||
      Math.max(view.top, all.top) < have.top ||
      Math.min(view.right, all.right) > have.right ||
      Math.min(view.bottom, all.bottom) > have.bottom
    );
  }

  #begin(viewport: Viewport): void {
    const context = this.#context;
    const canvas = this.#canvas;
    const ratio = this.ratio();
    const size = this.#size;
    const [w, h] = [size.width + 2 * MARGIN, size.height + 2 * MARGIN];
    const [pw, ph] = [Math.max(1, Math.round(w * ratio)), Math.max(1, Math.round(h * ratio))];
    if (canvas.width !== pw || canvas.height !== ph) {
      canvas.width = pw;
      canvas.height = ph;
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, pw, ph);
    this.#transform(viewport, ratio);
    this.#dirty = false;
    this.#stale = false;
    const steps = this.paint(context, viewport.areaToImage(withMargin(size)), viewport, ratio);
    this.#job = { viewport, size, steps };
  }

  #transform(viewport: Viewport, ratio: number): void {
    const [a, b, c, d, e, f] = viewport.matrix(ratio);
    this.#context.setTransform(a, b, c, d, e + MARGIN * ratio, f + MARGIN * ratio);
  }

  #finish({ viewport, size }: { viewport: Viewport; size: ScreenSize }, now: Viewport): void {
    this.#job = null;
    this.#finished = performance.now();
    this.#shown = { viewport, size };
    this.#show();
    this.place(now);
  }

  #show(): void {
    if (this.#shown === null) return;
    const { width, height } = this.#shown.size;
    this.#plane.show(this.#canvas, width + 2 * MARGIN, height + 2 * MARGIN);
  }

  /** Paints small areas of the present bitmap again, at once. */
  patch(
    areas: readonly Area[],
    draw: (context: CanvasRenderingContext2D, area: Area, viewport: Viewport) => void,
  ): void {
    if (this.#shown === null || this.busy) return;
    const { viewport } = this.#shown;
    const context = this.#context;
    this.#transform(viewport, this.ratio());
    for (const area of areas) {
      const { left, top } = area;
      const [w, h] = [area.right - left, area.bottom - top];
      context.save();
      context.beginPath();
      context.rect(left, top, w, h);
      context.clip();
      context.clearRect(left, top, w, h);
      draw(context, area, viewport);
      context.restore();
    }
    this.#show();
  }

  /** True while a bitmap is being painted or is to be: a patch of the old one would be lost. */
  get busy(): boolean {
    return this.#job !== null || this.#dirty;
  }

  dispose(): void {
    this.#job = null;
    this.#plane.dispose();
  }
}

function withMargin(size: ScreenSize): Area {
  return { left: -MARGIN, top: -MARGIN, right: size.width + MARGIN, bottom: size.height + MARGIN };
}
