/** The canvas: media and resting shapes as a layer under the overlay, one frame loop, the pointer in image coordinates. */

import type { DocRecord } from "../document/doc";
import { shapeOf } from "../shapes";
import { type Area, grown, overlap, type Point, union } from "../shapes/shape";
import { Backdrop } from "./backdrop";
import { type Painter, RestingLayer } from "./layer";
import type { PictureSource } from "./picture";
import { type ScreenSize, Viewport } from "./viewport";

/** Milliseconds without movement after which the view is at rest. */
const REST = 140;
/** Milliseconds without any use of the pointer after which there is time for what nobody waits for. */
const IDLE = 500;

/** In how many parts a picture is painted. */
const BANDS = 6;

export interface SurfaceHost {
  /** Shapes whose bounds touch an area, those at rest only, in drawing order. */
  resting(area: Area): readonly DocRecord[];
  drawShape(context: CanvasRenderingContext2D, record: DocRecord, pixel: number): void;
  /** Layers, connections, differences: what lies under or over the shapes. */
  drawUnder(context: CanvasRenderingContext2D, area: Area, pixel: number): void;
  drawOver(context: CanvasRenderingContext2D, area: Area, pixel: number): void;
  frame(): Area;
  /** CSS filter of the picture, or an empty string. */
  filter(): string;
  /** After every frame in which the view moved. */
  moved(viewport: Viewport): void;
}

export class Surface {
  #viewport = new Viewport();
  #size: ScreenSize = { width: 0, height: 0 };
  #frame = 0;
  #movedAt = 0;
  #usedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #box: DOMRect | null = null;
  #told: Viewport | null = null;
  #picture: PictureSource | null = null;
  #stopOverview: (() => void) | undefined;
  readonly #backdrop: Backdrop;
  readonly #resting: RestingLayer;

  constructor(
    readonly element: HTMLElement,
    private readonly host: SurfaceHost,
  ) {
    const ratio = () => Math.min(window.devicePixelRatio || 1, 2);
    const content = () => host.frame();
    this.#backdrop = new Backdrop(element, (context, area, pixel) => this.#drawShapes(context, area, pixel));
    this.#resting = new RestingLayer(element, this.#paintMedia, this.#paintShapes, ratio, content);
  }

  get viewport(): Viewport {
    return this.#viewport;
  }

  get size(): ScreenSize {
    return this.#size;
  }

  set picture(picture: PictureSource | null) {
    this.#picture = picture;
    if (picture !== null)
      picture.onMore = () => {
        this.#resting.improve();
        this.request();
      };
    this.#stopOverview?.();
    this.#stopOverview = picture?.onOverview(() => this.#coarse());
    this.#coarse();
    this.#resting.invalidate(true);
    this.request();
  }

  resize(size: ScreenSize): void {
    if (size.width === this.#size.width && size.height === this.#size.height) return;
    this.#size = size;
    this.#box = null;
    this.#resting.resize(size);
    this.request();
  }

  look(viewport: Viewport): void {
    this.#viewport = viewport;
    this.#movedAt = performance.now();
    this.request();
  }

  #coarse(): void {
    this.#backdrop.invalidate();
    this.request();
  }

  /** The pointer is used: what nobody waits for can wait. */
  used(): void {
    this.#usedAt = performance.now();
  }

  mediaChanged(): void {
    this.#coarse();
    this.#resting.invalidate(true);
    this.request();
  }

  /** All shapes are to be painted anew. */
  shapesChanged(): void {
    this.#coarse();
    this.#resting.invalidate(false);
    this.request();
  }

  /** Shapes that lie in some areas have changed; few and small ones are painted at once. */
  patchShapes(areas: readonly Area[]): void {
    const pixel = 1 / this.#viewport.scale;
    const { covered } = this.#resting;
    if (covered === null || this.#resting.busy) {
      this.shapesChanged();
      return;
    }
    const wanted = areas.filter((area) => overlap(area, covered)).map((area) => grown(area, 14 * pixel));
    this.#coarse();
    if (wanted.length === 0) return;
    let all: Area | null = null;
    for (const area of wanted) all = union(all, area);
    const parts = wanted.length > 12 && all !== null ? [all] : wanted;
    let work = 0;
    const within = new Map<Area, readonly DocRecord[]>();
    for (const area of parts) {
      const records = this.host.resting(area);
      work += records.length;
      within.set(area, records);
    }
    // More than this is not done within a frame.
    if (work > 300) {
      this.shapesChanged();
      return;
    }
    this.#resting.patch(parts, (context, area, { scale }) => {
      this.host.drawUnder(context, area, 1 / scale);
      for (const record of within.get(area) ?? []) this.host.drawShape(context, record, 1 / scale);
      this.host.drawOver(context, area, 1 / scale);
    });
    this.request();
  }

  request(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(this.#tick);
  }

  #tick = (): void => {
    this.#frame = 0;
    if (this.#size.width === 0) return;
    const atRest = performance.now() - this.#movedAt > REST;
    this.#resting.place(this.#viewport);
    this.#backdrop.place(this.#viewport, this.#resting.covers(this.#viewport));
    const painted = this.#resting.work(this.#viewport, atRest);
    if (this.#told !== this.#viewport) {
      this.#told = this.#viewport;
      this.host.moved(this.#viewport);
    }
    const now = performance.now();
    const idle = now - this.#usedAt > IDLE && now - this.#movedAt > IDLE;
    const all = idle && painted && this.#backdrop.work(this.#picture, this.host.filter());
    if (!idle && painted) this.#later(IDLE);
    else if (!all) this.request();
  };

  /** A frame after a while: nothing is to be done in those until then. */
  #later(after: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.request(), after);
  }

  #paintMedia: Painter = (context, _area, viewport, ratio) => {
    const picture = this.#picture;
    const host = this.host;
    const surround = getComputedStyle(this.element).backgroundColor;
    return (function* () {
      const frame = host.frame();
      context.save();
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.fillStyle = surround;
      context.fillRect(0, 0, context.canvas.width, context.canvas.height);
      context.restore();
      const box = picture ? { left: 0, top: 0, right: picture.width, bottom: picture.height } : frame;
      if (frame.left < box.left || frame.top < box.top) {
        // The padding, in which shapes may reach.
        context.fillStyle = "rgba(128,128,128,0.18)";
        context.fillRect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
      }
      if (picture === null) return;
      context.filter = host.filter() || "none";
      // In bands, so that a large picture does not hold up a frame; each keeps to itself, as coarse tiles reach into others' fine ones.
      const transform = context.getTransform();
      const back = transform.inverse();
      const { width, height } = context.canvas;
      for (let i = 0; i < BANDS; i++) {
        const [top, bottom] = [Math.round((i * height) / BANDS), Math.round(((i + 1) * height) / BANDS)];
        const p = back.transformPoint({ x: 0, y: top });
        const q = back.transformPoint({ x: width, y: bottom });
        context.save();
        context.resetTransform();
        context.beginPath();
        context.rect(0, top, width, bottom - top);
        context.clip();
        context.setTransform(transform);
        picture.draw(
          context,
          {
            left: Math.min(p.x, q.x),
            top: Math.min(p.y, q.y),
            right: Math.max(p.x, q.x),
            bottom: Math.max(p.y, q.y),
          },
          viewport.scale * ratio,
        );
        context.restore();
        yield;
      }
      context.filter = "none";
    })();
  };

  #paintShapes: Painter = (context, area, viewport) => this.#drawShapes(context, area, 1 / viewport.scale);

  *#drawShapes(context: CanvasRenderingContext2D, area: Area, pixel: number): Iterator<void> {
    const { host } = this;
    host.drawUnder(context, area, pixel);
    yield;
    let n = 0;
    for (const record of host.resting(area)) {
      const bounds = shapeOf(record.kind).bounds(record.data);
      if (!overlap(bounds, area)) continue;
      host.drawShape(context, record, pixel);
      if (++n % 12 === 0) yield;
    }
    host.drawOver(context, area, pixel);
  }

  /** The element may have been moved on the page. */
  relocated(): void {
    this.#box = null;
  }

  /** Image coordinates of a mouse or touch event. */
  toImage(event: { clientX: number; clientY: number }): Point {
    return this.#viewport.toImage(this.toScreen(event));
  }

  toScreen(event: { clientX: number; clientY: number }): Point {
    // Asking where the element is lays the page out; it is asked once a gesture, and when the size changes.
    this.#box ??= this.element.getBoundingClientRect();
    return { x: event.clientX - this.#box.left, y: event.clientY - this.#box.top };
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#stopOverview?.();
    this.#backdrop.dispose();
    this.#resting.dispose();
    this.#picture?.close();
  }
}
