/**
 * Picture and shapes at rest: one bitmap larger than the view, painted once in slices and moved by a transform while the view moves. It is painted
 * anew when the view has come to rest, or when the view has left what was painted. One bitmap and not one for each: without a graphics card
 * every layer that is scaled costs some milliseconds of every frame.
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

interface Sheet {
  readonly canvas: HTMLCanvasElement;
  readonly context: CanvasRenderingContext2D;
}

function sheet(): Sheet {
  const canvas = document.createElement("canvas");
  // Painted in slices by the processor: a graphics card would do it all at once when the bitmap is shown.
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  if (context === null) throw new Error("this browser has no 2D canvas");
  return { canvas, context };
}

/** Where the view was when something was painted, and how large. */
interface Stand {
  readonly viewport: Viewport;
  readonly size: ScreenSize;
}

export class RestingLayer {
  readonly #plane: Plane;
  /** What is shown, and the picture alone: shapes that change are painted over it again. */
  readonly #whole = sheet();
  readonly #under = sheet();
  /** What the plane shows, or null when nothing has been painted yet. */
  #shown: Stand | null = null;
  /** What the picture alone has been painted for. */
  #underFor: (Stand & { readonly version: number }) | null = null;
  /** How often the picture has become another or a better one. */
  #version = 0;
  #job: (Stand & { readonly steps: Iterator<void> }) | null = null;
  #dirty = true;
  /** More could be shown, at rest. */
  #stale = false;
  #finished = 0;
  #size: ScreenSize = { width: 0, height: 0 };

  constructor(
    parent: HTMLElement,
    private readonly picture: Painter,
    private readonly shapes: Painter,
    private readonly ratio: () => number,
    /** Where there is anything to paint: what lies beyond it need not be covered. */
    private readonly content: () => Area,
  ) {
    this.#plane = new Plane(parent, false);
  }

  resize(size: ScreenSize): void {
    this.#size = size;
    this.#dirty = true;
    this.#job = null;
  }

  /** What is painted is no longer right: the shapes, or the picture as well. */
  invalidate(picture: boolean): void {
    if (picture) this.#version++;
    this.#dirty = true;
    this.#job = null;
  }

  /** The picture that is painted is right, but there is a better one by now. */
  improve(): void {
    this.#version++;
    this.#stale = true;
  }

  /** Whether the bitmap is under all of the view. */
  covers(viewport: Viewport): boolean {
    const shown = this.#shown;
    if (shown === null || shown.viewport.turn !== viewport.turn) return false;
    const k = viewport.scale / shown.viewport.scale;
    const [left, top] = [
      viewport.x - k * (shown.viewport.x + MARGIN),
      viewport.y - k * (shown.viewport.y + MARGIN),
    ];
    const { width, height } = shown.size;
    return (
      left <= 0 &&
      top <= 0 &&
      left + k * (width + 2 * MARGIN) >= this.#size.width &&
      top + k * (height + 2 * MARGIN) >= this.#size.height
    );
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
      if (job.steps.next().done === true) {
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
    const stand = { viewport, size: this.#size };
    this.#dirty = false;
    this.#stale = false;
    this.#job = { ...stand, steps: this.#paint(stand, this.ratio()) };
  }

  *#paint(stand: Stand, ratio: number): Iterator<void> {
    const { viewport, size } = stand;
    const area = viewport.areaToImage(withMargin(size));
    const version = this.#version;
    const done = this.#underFor;
    if (done?.viewport !== viewport || done.size !== size || done.version !== version) {
      this.#underFor = null;
      yield* slices(this.#under, stand, ratio, (context) => this.picture(context, area, viewport, ratio));
      this.#underFor = { ...stand, version };
      // Shapes are not waited for where there is nothing yet.
      if (this.#shown === null) this.#plane.show(this.#under.canvas, ...withBorders(size));
    }
    yield* slices(this.#whole, stand, ratio, (context) => {
      context.save();
      context.resetTransform();
      context.drawImage(this.#under.canvas, 0, 0);
      context.restore();
      return this.shapes(context, area, viewport, ratio);
    });
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
    this.#plane.show(this.#whole.canvas, ...withBorders(this.#shown.size));
  }

  /** Paints the shapes in small areas of the present bitmap again, at once. */
  patch(
    areas: readonly Area[],
    draw: (context: CanvasRenderingContext2D, area: Area, viewport: Viewport) => void,
  ): void {
    if (this.#shown === null || this.busy) return;
    const { viewport } = this.#shown;
    const { context } = this.#whole;
    const ratio = this.ratio();
    for (const area of areas) {
      const on = viewport.areaToScreen(area);
      const [left, top] = [on.left, on.top].map((side) => Math.floor((side + MARGIN) * ratio)) as Pair;
      const [right, bottom] = [on.right, on.bottom].map((side) => Math.ceil((side + MARGIN) * ratio)) as Pair;
      context.save();
      context.resetTransform();
      context.beginPath();
      context.rect(left, top, right - left, bottom - top);
      context.clip();
      context.drawImage(this.#under.canvas, 0, 0);
      transform(context, viewport, ratio);
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

type Pair = [number, number];

/** Paints on a sheet a little at a time. */
function* slices(
  { canvas, context }: Sheet,
  { viewport, size }: Stand,
  ratio: number,
  painter: (context: CanvasRenderingContext2D) => Iterator<void>,
): Generator<void> {
  const [width, height] = withBorders(size).map((side) => Math.max(1, Math.round(side * ratio))) as Pair;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  transform(context, viewport, ratio);
  const steps = painter(context);
  while (steps.next().done !== true) {
    // Canvases only note what is drawn on them; reading makes them do it, now and not in the frame that shows the bitmap.
    context.getImageData(0, 0, 1, 1);
    yield;
  }
}

/** Image coordinates, on a bitmap that begins before the view does. */
function transform(context: CanvasRenderingContext2D, viewport: Viewport, ratio: number): void {
  const [a, b, c, d, e, f] = viewport.matrix(ratio);
  context.setTransform(a, b, c, d, e + MARGIN * ratio, f + MARGIN * ratio);
}

const withBorders = (size: ScreenSize): Pair => [size.width + 2 * MARGIN, size.height + 2 * MARGIN];

function withMargin(size: ScreenSize): Area {
  return { left: -MARGIN, top: -MARGIN, right: size.width + MARGIN, bottom: size.height + MARGIN };
}
