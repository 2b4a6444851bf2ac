/** The whole picture, coarse, beneath everything: what is seen where the view moves faster than it is painted. */

import type { PictureSource } from "./picture";
import type { Viewport } from "./viewport";

const SIDE = 512;

export class Backdrop {
  readonly #plane = document.createElement("div");
  readonly #canvas = document.createElement("canvas");
  /** Pixels of the picture for one of the backdrop. */
  #step = 0;

  constructor(parent: HTMLElement) {
    Object.assign(this.#plane.style, {
      position: "absolute",
      left: "0",
      top: "0",
      transformOrigin: "0 0",
      willChange: "transform",
      pointerEvents: "none",
    });
    this.#canvas.setAttribute("aria-hidden", "true");
    this.#canvas.style.display = "none";
    this.#plane.append(this.#canvas);
    parent.append(this.#plane);
  }

  draw(picture: PictureSource, filter: string): void {
    const context = this.#canvas.getContext("2d", { alpha: false });
    if (picture.overview === null || context === null) return;
    this.#step = Math.max(picture.width, picture.height) / SIDE;
    this.#canvas.width = Math.max(1, Math.round(picture.width / this.#step));
    this.#canvas.height = Math.max(1, Math.round(picture.height / this.#step));
    this.#canvas.style.display = "block";
    context.filter = filter || "none";
    context.drawImage(picture.overview, 0, 0, this.#canvas.width, this.#canvas.height);
  }

  place(viewport: Viewport): void {
    const [a, b, c, d, e, f] = viewport.matrix();
    const k = this.#step;
    this.#plane.style.transform = `matrix(${a * k}, ${b * k}, ${c * k}, ${d * k}, ${e}, ${f})`;
  }

  dispose(): void {
    this.#plane.remove();
  }
}
