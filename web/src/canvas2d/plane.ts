/** What moves with the view. */

/** Moves an element without anything being drawn or laid out anew. */
export class Mover {
  readonly #place: KeyframeEffect;
  #transform = "";

  constructor(element: HTMLElement | SVGSVGElement) {
    element.style.willChange = "transform";
    // By an animation that stands still: for a transform in its style the browser makes the page's list of layers anew in every frame.
    this.#place = new KeyframeEffect(element, [], { duration: 1, fill: "both" });
    new Animation(this.#place).pause();
  }

  /** Puts it where a CSS transform says. */
  move(transform: string): void {
    if (transform === this.#transform) return;
    this.#transform = transform;
    this.#place.setKeyframes({ transform: [transform, transform] });
  }
}

/** Without a graphics card every pixel costs: there, what is scaled while it moves is not smoothed. */
const inSoftware = (() => {
  let found: boolean | undefined;
  return () =>
    (found ??=
      document.createElement("canvas").getContext("webgl", { failIfMajorPerformanceCaveat: true }) === null);
})();

/** A bitmap that is handed to the browser once and from then on only put elsewhere. */
export class Plane {
  readonly #element = document.createElement("div");
  readonly #canvas = document.createElement("canvas");
  readonly #shown: ImageBitmapRenderingContext;
  readonly #mover: Mover;
  #rendering = "";
  #sent = new OffscreenCanvas(1, 1);

  constructor(
    parent: HTMLElement,
    private readonly alpha: boolean,
  ) {
    Object.assign(this.#element.style, {
      position: "absolute",
      left: "0",
      top: "0",
      transformOrigin: "0 0",
      pointerEvents: "none",
    });
    this.#canvas.setAttribute("aria-hidden", "true");
    // left, for on pages that are read from right to left it would lie to the left of the view
    Object.assign(this.#canvas.style, { position: "absolute", left: "0", top: "0", display: "none" });
    // A canvas that is drawn on is copied in every frame in which anything moves, drawn on or not; one that shows a bitmap is not.
    const shown = this.#canvas.getContext("bitmaprenderer", { alpha });
    if (shown === null) throw new Error("this browser shows no bitmaps in a canvas");
    this.#shown = shown;
    this.#element.append(this.#canvas);
    parent.append(this.#element);
    this.#mover = new Mover(this.#element);
  }

  /** Shows what a canvas has now, at so many CSS pixels. */
  show(from: HTMLCanvasElement, width: number, height: number): void {
    const { width: w, height: h } = from;
    if (this.#sent.width !== w || this.#sent.height !== h) this.#sent = new OffscreenCanvas(w, h);
    const copy = this.#sent.getContext("2d", { alpha: this.alpha, willReadFrequently: true });
    copy?.drawImage(from, 0, 0);
    this.#shown.transferFromImageBitmap(this.#sent.transferToImageBitmap());
    Object.assign(this.#canvas.style, { display: "block", width: `${width}px`, height: `${height}px` });
  }

  /** Puts it where a CSS transform says; `scaled`: no longer as large as it was painted. */
  move(transform: string, scaled: boolean): void {
    const rendering = scaled && inSoftware() ? "pixelated" : "";
    if (rendering !== this.#rendering) {
      this.#rendering = rendering;
      this.#canvas.style.imageRendering = rendering;
    }
    this.#mover.move(transform);
  }

  dispose(): void {
    this.#shown.transferFromImageBitmap(null);
    this.#element.remove();
  }
}
