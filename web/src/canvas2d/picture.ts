/** The medium of an image task: one picture with halved copies for zooming out, or tiles of a deep zoom where the server has made them. */

import type { Area } from "../shapes/shape";

export interface PictureSource {
  readonly width: number;
  readonly height: number;
  /**
   * Draws what an area of the image needs and somewhat more, in image coordinates; `scale` is device pixels per image pixel. Calls back when
   * more has come.
   */
  draw(context: CanvasRenderingContext2D, area: Area, scale: number): void;
  onMore: (() => void) | null;
  /** A small picture of all of it, for the minimap. */
  readonly overview: Drawable | null;
  /** Calls when there is an overview, or a better one, until the returned function is called. */
  onOverview(listener: () => void): () => void;
  close(): void;
}

type Drawable = (ImageBitmap | HTMLImageElement) & { readonly width: number; readonly height: number };

/** The longest side of the smallest halved copy. */
const SMALLEST = 1024;

/** Those who wait for an overview. */
class Waiting {
  readonly #listeners = new Set<() => void>();

  add = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

export class WholePicture implements PictureSource {
  onMore: (() => void) | null = null;
  readonly #waiting = new Waiting();
  readonly onOverview = this.#waiting.add;
  readonly width: number;
  readonly height: number;
  /** The picture itself, then halves. */
  readonly #levels: Drawable[];
  #closed = false;

  private constructor(first: ImageBitmap | HTMLImageElement) {
    this.width = first instanceof HTMLImageElement ? first.naturalWidth : first.width;
    this.height = first instanceof HTMLImageElement ? first.naturalHeight : first.height;
    this.#levels = [first as ImageBitmap];
  }

  static async load(url: string, signal: AbortSignal): Promise<WholePicture> {
    const response = await fetch(url, { signal, credentials: "same-origin" });
    if (!response.ok) throw new Error(`${response.status}`);
    const blob = await response.blob();
    const picture = new WholePicture(await decode(blob));
    void picture.#halve();
    return picture;
  }

  async #halve(): Promise<void> {
    for (;;) {
      const last = this.#levels.at(-1);
      if (last === undefined || this.#closed || Math.max(last.width, last.height) <= SMALLEST * 2) break;
      if (!(last instanceof ImageBitmap)) break;
      const half = await createImageBitmap(last, {
        resizeWidth: Math.max(1, Math.round(last.width / 2)),
        resizeHeight: Math.max(1, Math.round(last.height / 2)),
        resizeQuality: "medium",
      });
      if (this.#closed) {
        half.close();
        return;
      }
      this.#levels.push(half);
    }
    this.onMore?.();
    this.#waiting.tell();
  }

  get overview(): Drawable | null {
    return this.#levels.at(-1) ?? null;
  }

  draw(context: CanvasRenderingContext2D, area: Area, scale: number): void {
    // The smallest copy that has a pixel for every device pixel.
    let level = this.#levels[0];
    for (const next of this.#levels) if (next.width / this.width >= scale * 0.99) level = next;
    if (level === undefined) return;
    context.imageSmoothingEnabled = scale < 3;
    drawPart(context, level, { left: 0, top: 0, right: this.width, bottom: this.height }, area);
  }

  close(): void {
    this.#closed = true;
    for (const level of this.#levels) if (level instanceof ImageBitmap) level.close();
    this.#levels.length = 0;
  }
}

/**
 * Draws what an area needs of a picture that takes up a box. Never all of it: enlarged 64 times a tile is larger than canvases reckon with.
 */
function drawPart(context: CanvasRenderingContext2D, from: Drawable, box: Area, area: Area): void {
  const [kx, ky] = [from.width / (box.right - box.left), from.height / (box.bottom - box.top)];
  // A pixel more on every side, which smoothing looks at.
  const left = Math.max(0, Math.floor((area.left - box.left) * kx) - 1);
  const top = Math.max(0, Math.floor((area.top - box.top) * ky) - 1);
  const width = Math.min(from.width, Math.ceil((area.right - box.left) * kx) + 1) - left;
  const height = Math.min(from.height, Math.ceil((area.bottom - box.top) * ky) + 1) - top;
  if (width <= 0 || height <= 0) return;
  const [x, y] = [box.left + left / kx, box.top + top / ky];
  context.drawImage(from, left, top, width, height, x, y, width / kx, height / ky);
}

async function decode(blob: Blob): Promise<ImageBitmap | HTMLImageElement> {
  try {
    return await createImageBitmap(blob);
  } catch {
    // SVG and some odd files can only be decoded by an element.
    const image = new Image();
    image.src = URL.createObjectURL(blob);
    await image.decode();
    URL.revokeObjectURL(image.src);
    return image;
  }
}

export interface TilesView {
  readonly template: string;
  readonly tile_size: number;
  readonly max_zoom: number;
}

export function tilesOf(derived: Readonly<Record<string, unknown>> | null | undefined): TilesView | null {
  const given = derived?.tiles as Partial<TilesView> | null | undefined;
  return given && typeof given.template === "string" && given.tile_size && typeof given.max_zoom === "number"
    ? { template: given.template, tile_size: given.tile_size, max_zoom: given.max_zoom }
    : null;
}

const MOST_TILES = 192;

/** Level `max_zoom` has the picture's own pixels, each level below half of them. */
export class TiledPicture implements PictureSource {
  onMore: (() => void) | null = null;
  overview: Drawable | null = null;
  readonly #waiting = new Waiting();
  readonly onOverview = this.#waiting.add;
  readonly #tiles = new Map<string, ImageBitmap | "loading" | "failed">();
  #closed = false;

  constructor(
    private readonly view: TilesView,
    readonly width: number,
    readonly height: number,
    thumbnail: string | null,
  ) {
    if (thumbnail !== null) void this.#thumbnail(thumbnail);
  }

  async #thumbnail(url: string): Promise<void> {
    const image = new Image();
    image.src = url;
    await image.decode();
    this.overview = image;
    this.onMore?.();
    this.#waiting.tell();
  }

  draw(context: CanvasRenderingContext2D, area: Area, scale: number): void {
    const { max_zoom, tile_size } = this.view;
    const wanted = Math.min(
      max_zoom,
      Math.max(0, max_zoom + Math.ceil(Math.log2(Math.max(scale, 1e-6)) - 0.1)),
    );
    context.imageSmoothingEnabled = scale < 3;
    const all = { left: 0, top: 0, right: this.width, bottom: this.height };
    if (this.overview !== null) drawPart(context, this.overview, all, area);
    // Coarser tiles that are there already fill in until the wanted ones have come.
    for (let z = Math.max(0, wanted - 2); z <= wanted; z++) {
      const side = tile_size * 2 ** (max_zoom - z);
      const firstX = Math.max(0, Math.floor(area.left / side));
      const firstY = Math.max(0, Math.floor(area.top / side));
      const lastX = Math.min(Math.ceil(this.width / side) - 1, Math.floor(area.right / side));
      const lastY = Math.min(Math.ceil(this.height / side) - 1, Math.floor(area.bottom / side));
      for (let y = firstY; y <= lastY; y++)
        for (let x = firstX; x <= lastX; x++) {
          const name = `${z}/${x}_${y}`;
          const tile = this.#tiles.get(name);
          if (tile === undefined && z === wanted) void this.#fetch(name, z, x, y);
          if (!(tile instanceof ImageBitmap)) continue;
          const k = 2 ** (max_zoom - z);
          const box = {
            left: x * side,
            top: y * side,
            right: x * side + tile.width * k,
            bottom: y * side + tile.height * k,
          };
          drawPart(context, tile, box, area);
          // Used again: the oldest are dropped first.
          this.#tiles.delete(name);
          this.#tiles.set(name, tile);
        }
    }
  }

  async #fetch(name: string, z: number, x: number, y: number): Promise<void> {
    this.#tiles.set(name, "loading");
    try {
      const url = this.view.template
        .replace("{z}", String(z))
        .replace("{x}", String(x))
        .replace("{y}", String(y));
      const response = await fetch(url, { credentials: "same-origin" });
      if (!response.ok) throw new Error(String(response.status));
      const bitmap = await createImageBitmap(await response.blob());
      if (this.#closed) {
        bitmap.close();
        return;
      }
      this.#tiles.set(name, bitmap);
      for (const [old, tile] of this.#tiles) {
        if (this.#tiles.size <= MOST_TILES) break;
        if (!(tile instanceof ImageBitmap)) continue;
        tile.close();
        this.#tiles.delete(old);
      }
      this.onMore?.();
    } catch {
      this.#tiles.set(name, "failed");
    }
  }

  close(): void {
    this.#closed = true;
    for (const tile of this.#tiles.values()) if (tile instanceof ImageBitmap) tile.close();
    this.#tiles.clear();
  }
}
