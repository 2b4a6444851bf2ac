import type { PathSink } from "./shape";

/** Writes path commands as the text of an SVG path, mapped to where they appear. */
export class SvgPath implements PathSink {
  #text = "";

  constructor(private readonly map: (x: number, y: number) => readonly [number, number] = (x, y) => [x, y]) {}

  #at(x: number, y: number): string {
    const [sx, sy] = this.map(x, y);
    return `${Math.round(sx * 100) / 100} ${Math.round(sy * 100) / 100}`;
  }

  moveTo(x: number, y: number): void {
    this.#text += `M${this.#at(x, y)}`;
  }

  lineTo(x: number, y: number): void {
    this.#text += `L${this.#at(x, y)}`;
  }

  bezierCurveTo(ax: number, ay: number, bx: number, by: number, x: number, y: number): void {
    this.#text += `C${this.#at(ax, ay)} ${this.#at(bx, by)} ${this.#at(x, y)}`;
  }

  closePath(): void {
    this.#text += "Z";
  }

  toString(): string {
    return this.#text;
  }
}
