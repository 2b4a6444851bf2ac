/**
 * A layer at rest: a bitmap larger than the view, painted once in slices and moved by a transform while the view moves. It is painted anew when
 * the view has come to rest, or when the view has left what was painted.
 */

import type { Area } from "../shapes/shape";
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

interface Bitmap {
  readonly canvas: HTMLCanvasElement;
  readonly context: CanvasRenderingContext2D;
  /** What it shows, or null when nothing has been painted yet. */
  viewport: Viewport | null;
  size: ScreenSize;
}

export class RestingLayer {
  /** What is moved: a box of its own, for moving a canvas itself makes the browser paint what is around it anew in every frame. */
  readonly #plane = document.createElement("div");
  #front: Bitmap;
  #back: Bitmap;
  #job: { steps: Iterator<void>; viewport: Viewport } | null = null;
  #dirty = true;
  /** More could be shown, at rest. */
  #stale = false;
  #finished = 0;
  #size: ScreenSize = { width: 0, height: 0 };

  constructor(
    parent: HTMLElement,
    private readonly paint: Painter,
    private readonly opaque: boolean,
    private readonly ratio: () => number,
    /** Where there is anything to paint: what lies beyond it need not be covered. */
    private readonly content: () => Area,
  ) {
    Object.assign(this.#plane.style, {
      position: "absolute",
      left: "0",
      top: "0",
      transformOrigin: "0 0",
      willChange: "transform",
      pointerEvents: "none",
    });
    parent.append(this.#plane);
    this.#front = this.#bitmap();
    this.#back = this.#bitmap();
    this.#back.canvas.style.display = "none";
  }

  #bitmap(): Bitmap {
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    canvas.style.position = "absolute";
    this.#plane.append(canvas);
    // Painted in slices by the processor: a graphics card would do it all at once when the bitmap is shown.
    const context = canvas.getContext("2d", { alpha: !this.opaque, willReadFrequently: true });
    if (context === null) throw new Error("this browser has no 2D canvas");
    return { canvas, context, viewport: null, size: { width: 0, height: 0 } };
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
    const { viewport, size } = this.#front;
    return viewport === null ? null : viewport.areaToImage(withMargin(size));
  }

  /** Moves the bitmap to where the view is now. */
  place(viewport: Viewport): void {
    if (this.#front.viewport !== null) this.#place(this.#front, viewport);
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
      this.#back.context.getImageData(0, 0, 1, 1);
      if (done) {
        this.#finish(job.viewport, viewport);
        return !this.#needed(viewport, true);
      }
      if (performance.now() >= until) return false;
    }
  }

  #needed(viewport: Viewport, atRest: boolean): boolean {
    const shown = this.#front.viewport;
    if (shown === null || this.#dirty) return true;
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

  #place(bitmap: Bitmap, viewport: Viewport): void {
    const shown = bitmap.viewport;
    if (shown === null) return;
    const k = viewport.scale / shown.scale;
    const x = viewport.x - k * (shown.x + MARGIN);
    const y = viewport.y - k * (shown.y + MARGIN);
    this.#plane.style.transform =
      k === 1 ? `translate(${x}px, ${y}px)` : `matrix(${k}, 0, 0, ${k}, ${x}, ${y})`;
  }

  #begin(viewport: Viewport): void {
    const back = this.#back;
    const ratio = this.ratio();
    const [w, h] = [this.#size.width + 2 * MARGIN, this.#size.height + 2 * MARGIN];
    const [pw, ph] = [Math.max(1, Math.round(w * ratio)), Math.max(1, Math.round(h * ratio))];
    if (back.canvas.width !== pw || back.canvas.height !== ph) {
      back.canvas.width = pw;
      back.canvas.height = ph;
      back.canvas.style.width = `${w}px`;
      back.canvas.style.height = `${h}px`;
    }
    back.size = this.#size;
    const { context } = back;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, pw, ph);
    this.#transform(context, viewport, ratio);
    this.#dirty = false;
    this.#stale = false;
    this.#job = {
      viewport,
      steps: this.paint(context, viewport.areaToImage(withMargin(this.#size)), viewport, ratio),
    };
  }

  #transform(context: CanvasRenderingContext2D, viewport: Viewport, ratio: number): void {
    const [a, b, c, d, e, f] = viewport.matrix(ratio);
    context.setTransform(a, b, c, d, e + MARGIN * ratio, f + MARGIN * ratio);
  }

  #finish(painted: Viewport, viewport: Viewport): void {
    this.#job = null;
    this.#finished = performance.now();
    const back = this.#back;
    back.viewport = painted;
    this.#place(back, viewport);
    back.canvas.style.display = "";
    this.#front.canvas.style.display = "none";
    this.#back = this.#front;
    this.#front = back;
  }

  /** Paints a small area of the present bitmap again, at once. */
  patch(
    area: Area,
    draw: (context: CanvasRenderingContext2D, viewport: Viewport, ratio: number) => void,
  ): void {
    const { viewport, context } = this.#front;
    if (viewport === null) return;
    const ratio = this.ratio();
    this.#transform(context, viewport, ratio);
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    context.clip();
    context.clearRect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    draw(context, viewport, ratio);
    context.restore();
  }

  /** True while a bitmap is being painted: a patch of the old one would be lost. */
  get busy(): boolean {
    return this.#job !== null;
  }

  dispose(): void {
    this.#job = null;
    this.#plane.remove();
  }
}

function withMargin(size: ScreenSize): Area {
  return { left: -MARGIN, top: -MARGIN, right: size.width + MARGIN, bottom: size.height + MARGIN };
}
