/** How resting shapes look on the canvas: colours, proposals, read-only layers, lines between keypoints, differences against an earlier answer. */

import { HitIndex } from "../../canvas2d/hits";
import type { SurfaceHost } from "../../canvas2d/surface";
import type { Viewport } from "../../canvas2d/viewport";
import type { Doc, DocRecord, RecordId } from "../../document/doc";
import { shapeOf } from "../../shapes";
import type { PointData } from "../../shapes/point/point";
import { type Area, overlap } from "../../shapes/shape";
import type { ImageEditor } from "./editor";
import { labelColour, UNLABELLED_COLOUR } from "./labels";
import { dataOf } from "./wire";

/** More selected shapes than this are drawn with the resting ones. */
export const MOST_ACTIVE = 100;

export const DIFFERENCE = { added: "#2f9e44", changed: "#e8930c", removed: "#e03131" } as const;
export type Status = keyof typeof DIFFERENCE | null;

export class Colours {
  readonly #byLabel = new Map<string, string>();

  constructor(editor: ImageEditor) {
    for (const g of editor.config.geometries)
      for (const { node } of g.leaves)
        if (!this.#byLabel.has(node.name)) this.#byLabel.set(node.name, labelColour(this.#byLabel.size));
  }

  of(label: string | null): string {
    return (label === null ? undefined : this.#byLabel.get(label)) ?? UNLABELLED_COLOUR;
  }
}

const NOTHING: ReadonlySet<RecordId> = new Set();

/** What is drawn as SVG because it is being worked on. */
export function active(editor: ImageEditor): ReadonlySet<RecordId> {
  return editor.selection.size <= MOST_ACTIVE ? editor.selection : NOTHING;
}

const sameShape = (a: DocRecord, b: DocRecord): boolean =>
  a.label === b.label &&
  JSON.stringify(a.data, (key, value) => (key === "given" ? undefined : value)) ===
    JSON.stringify(b.data, (key, value) => (key === "given" ? undefined : value)) &&
  JSON.stringify(a.attributes) === JSON.stringify(b.attributes);

export class Scene implements SurfaceHost {
  readonly colours: Colours;
  readonly #beforeIndex: HitIndex | null = null;
  readonly #layers: readonly DocRecord[];
  /** Compared by identity first, so it is asked for shapes on the screen only. */
  readonly #compared = new WeakMap<DocRecord, Status>();

  constructor(
    readonly editor: ImageEditor,
    readonly before: Doc | null,
    private readonly onMoved: (viewport: Viewport) => void,
  ) {
    this.colours = new Colours(editor);
    if (before !== null) {
      this.#beforeIndex = new HitIndex((kind) => editor.limits(kind));
      this.#beforeIndex.load(before);
    }
    this.#layers = editor.config.layers.map(({ kind, wire }, i) => ({
      id: `layer-${i}`,
      kind,
      label: typeof wire.label === "string" ? wire.label : null,
      data: dataOf(kind, wire),
      attributes: {},
    }));
  }

  status(record: DocRecord): Status {
    if (this.before === null) return null;
    const old = this.before.records.get(record.id);
    if (old === undefined) return "added";
    if (old === record) return null;
    let found = this.#compared.get(record);
    if (found === undefined) {
      found = sameShape(old, record) ? null : "changed";
      this.#compared.set(record, found);
    }
    return found;
  }

  removed(): DocRecord[] {
    return [...(this.before?.records.values() ?? [])].filter((r) => !this.editor.doc.records.has(r.id));
  }

  resting(area: Area): readonly DocRecord[] {
    const { editor } = this;
    if (editor.state.showBefore && this.#beforeIndex !== null) return this.#beforeIndex.search(area);
    const busy = active(editor);
    return editor.index.search(area).filter((r) => editor.visible(r) && !busy.has(r.id));
  }

  drawShape(context: CanvasRenderingContext2D, record: DocRecord, pixel: number): void {
    const { editor } = this;
    const colour = this.colours.of(record.label);
    const limits = editor.limits(record.kind);
    const shape = shapeOf(record.kind);
    const picked = editor.selection.has(record.id);
    const status = editor.state.showBefore ? null : this.status(record);
    context.strokeStyle = status === null ? colour : DIFFERENCE[status];
    context.fillStyle = colour;
    context.lineWidth = (picked || status !== null ? 2.5 : 1.5) * pixel;
    context.lineJoin = "round";
    if (record.kind === "point") {
      const { x, y } = record.data as PointData;
      context.beginPath();
      context.arc(x, y, 5 * pixel, 0, 2 * Math.PI);
      context.fill();
      context.lineWidth = 1.5 * pixel;
      context.strokeStyle = status === null ? "rgba(255,255,255,0.95)" : DIFFERENCE[status];
      context.stroke();
      return;
    }
    context.beginPath();
    shape.trace(record.data, context, limits);
    if (shape.filled && editor.state.opacity > 0) {
      context.globalAlpha = (editor.state.opacity / 100) * (picked ? 1.4 : 1);
      context.fill("evenodd");
      context.globalAlpha = 1;
    }
    if (record.hypothesis === "proposed") context.setLineDash([6 * pixel, 4 * pixel]);
    context.stroke();
    context.setLineDash([]);
  }

  drawUnder(context: CanvasRenderingContext2D, area: Area, pixel: number): void {
    const { editor } = this;
    if (editor.state.layersShown)
      for (const record of this.#layers) {
        if (!overlap(shapeOf(record.kind).bounds(record.data), area)) continue;
        this.#outline(context, record, "rgba(255,255,255,0.75)", [3, 3], pixel);
      }
    if (this.#beforeIndex === null || editor.state.showBefore) return;
    for (const old of this.#beforeIndex.search(area)) {
      const now = editor.doc.records.get(old.id);
      if (now === undefined) this.#outline(context, old, DIFFERENCE.removed, [7, 4], pixel);
      else if (now !== old && this.status(now) === "changed")
        this.#outline(context, old, DIFFERENCE.changed, [2, 3], pixel);
    }
  }

  #outline(
    context: CanvasRenderingContext2D,
    record: DocRecord,
    colour: string,
    dash: readonly number[],
    pixel: number,
  ): void {
    context.strokeStyle = colour;
    context.lineWidth = 1.5 * pixel;
    context.setLineDash(dash.map((d) => d * pixel));
    context.beginPath();
    if (record.kind === "point") {
      const { x, y } = record.data as PointData;
      context.arc(x, y, 6 * pixel, 0, 2 * Math.PI);
    } else shapeOf(record.kind).trace(record.data, context, this.editor.limits(record.kind));
    context.stroke();
    context.setLineDash([]);
  }

  drawOver(context: CanvasRenderingContext2D, _area: Area, pixel: number): void {
    for (const [a, b] of this.connections()) {
      const [p, q] = [a.data as PointData, b.data as PointData];
      context.strokeStyle = this.colours.of(a.label);
      context.lineWidth = 1.5 * pixel;
      context.beginPath();
      context.moveTo(p.x, p.y);
      context.lineTo(q.x, q.y);
      context.stroke();
    }
  }

  /** Pairs of points that the task wants joined; with an attribute only those that share its value. */
  connections(): [DocRecord, DocRecord][] {
    const { config, doc } = this.editor;
    if (config.connections.length === 0) return [];
    const points = [...doc.records.values()].filter((r) => r.kind === "point" && this.editor.visible(r));
    return config.connections.flatMap(({ pair, attribute }) =>
      points
        .filter((a) => a.label === pair[0])
        .flatMap((a) =>
          points
            .filter(
              (b) =>
                b !== a &&
                b.label === pair[1] &&
                (attribute === null ||
                  (a.attributes[attribute] !== undefined &&
                    a.attributes[attribute] === b.attributes[attribute])),
            )
            .map((b): [DocRecord, DocRecord] => [a, b]),
        ),
    );
  }

  frame(): Area {
    return this.editor.frame();
  }

  filter(): string {
    const { brightness, contrast } = this.editor.state;
    return brightness === 100 && contrast === 100 ? "" : `brightness(${brightness}%) contrast(${contrast}%)`;
  }

  moved(viewport: Viewport): void {
    this.onMoved(viewport);
  }
}
