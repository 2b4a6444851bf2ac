/**
 * The image editor without a screen: tools, selection, what is hidden and locked, the label to draw with, notices. React and the canvas show it,
 * tests drive it by pointer and key verbs.
 */

import { type Change, changes, HitIndex } from "../../canvas2d/hits";
import { Viewport } from "../../canvas2d/viewport";
import {
  type Action,
  addLink,
  type Doc,
  type DocRecord,
  newId,
  putRecords,
  type RecordId,
  updateRecords,
} from "../../document/doc";
import type { DocumentStore } from "../../document/store";
import { shapeOf } from "../../shapes";
import {
  type Area,
  clampPoint,
  distance,
  grown,
  type Handle,
  type Limits,
  type Point,
  union,
} from "../../shapes/shape";
import { drawsKind, makeTool, type ToolId } from "../../tools";
import { nearestOnBorder } from "../../tools/border";
import { touched } from "../../tools/select";
import { type Notice, type Pointer, SNAP, type Tool, type ToolHost } from "../../tools/tool";
import { type GeometryConfig, type ImageConfig, linkRule } from "./config";
import { baseIds } from "./wire";

export interface Picture {
  readonly width: number;
  readonly height: number;
}

/** What is on the screen, beside the document. A new object after every change. */
export interface EditorState {
  readonly tool: ToolId;
  /** The tool to draw with again. */
  readonly lastDrawing: ToolId | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly hidden: ReadonlySet<RecordId>;
  readonly locked: ReadonlySet<RecordId>;
  readonly hover: RecordId | null;
  readonly notice: Notice | null;
  readonly cursor: Point | null;
  readonly showBefore: boolean;
  readonly layersShown: boolean;
  readonly crosshair: boolean;
  readonly brightness: number;
  readonly contrast: number;
  readonly opacity: number;
  /** A relation whose kind is to be chosen. */
  readonly relating: {
    readonly from: RecordId;
    readonly to: RecordId;
    readonly options: readonly string[];
  } | null;
}

const START: EditorState = {
  tool: "select",
  lastDrawing: null,
  labels: {},
  hidden: new Set(),
  locked: new Set(),
  hover: null,
  notice: null,
  cursor: null,
  showBefore: false,
  layersShown: true,
  crosshair: true,
  brightness: 100,
  contrast: 100,
  opacity: 25,
  relating: null,
};

/** What lives on from task to task. */
const STICKY = [
  "tool",
  "lastDrawing",
  "labels",
  "layersShown",
  "crosshair",
  "brightness",
  "contrast",
  "opacity",
] as const;

export interface EditorOptions {
  readonly store: DocumentStore;
  readonly config: ImageConfig;
  readonly picture: Picture;
  readonly readOnly?: boolean;
  readonly memory?: Map<string, unknown>;
}

export class ImageEditor implements ToolHost {
  readonly store: DocumentStore;
  readonly config: ImageConfig;
  readonly index: HitIndex;
  readonly readOnly: boolean;
  readonly base: ReadonlySet<RecordId>;
  picture: Picture;
  viewport = new Viewport();
  #state: EditorState;
  #tool: Tool;
  #doc: Doc;
  /** Counts every change of what a drawing tool shows. */
  #revision = 0;
  readonly #memory: Map<string, unknown> | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #docListeners = new Set<(found: readonly Change[], before: Doc) => void>();
  readonly #unsubscribe: () => void;

  constructor(options: EditorOptions) {
    this.store = options.store;
    this.config = options.config;
    this.picture = options.picture;
    this.readOnly = options.readOnly ?? false;
    this.#memory = options.memory;
    this.base = baseIds(options.config);
    this.index = new HitIndex((kind) => this.limits(kind));
    this.#doc = this.store.doc;
    this.index.load(this.#doc);
    this.#state = this.#remembered();
    this.#tool = makeTool(this.#state.tool, this);
    this.#unsubscribe = this.store.subscribe(() => this.#follow());
  }

  dispose(): void {
    this.#tool.cancel();
    this.#unsubscribe();
    this.#listeners.clear();
    this.#docListeners.clear();
  }

  // State -------------------------------------------------------------------------------------------------------------------

  get state(): EditorState {
    return this.#state;
  }

  get tool(): Tool {
    return this.#tool;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  snapshot = (): EditorState => this.#state;

  /** A number that changes whenever tool, preview or state do. */
  revision = (): number => this.#revision;

  onDocument(listener: (found: readonly Change[], before: Doc) => void): () => void {
    this.#docListeners.add(listener);
    return () => this.#docListeners.delete(listener);
  }

  set(change: Partial<EditorState>): void {
    this.#state = { ...this.#state, ...change };
    if (this.#memory !== undefined)
      for (const key of STICKY) if (key in change) this.#memory.set(key, this.#state[key]);
    this.#tell();
  }

  #tell(): void {
    this.#revision++;
    for (const listener of this.#listeners) listener();
  }

  #remembered(): EditorState {
    const kept: Record<string, unknown> = {};
    for (const key of STICKY) {
      const value = this.#memory?.get(key);
      if (value !== undefined) kept[key] = value;
    }
    const state = { ...START, ...kept } as EditorState;
    const offered = this.offered();
    const first = offered.find((id) => drawsKind(id) !== null) ?? null;
    const last = state.lastDrawing && offered.includes(state.lastDrawing) ? state.lastDrawing : first;
    const tool = this.readOnly || !offered.includes(state.tool) ? "select" : state.tool;
    return { ...state, tool, lastDrawing: last };
  }

  #follow(): void {
    const before = this.#doc;
    const after = this.store.doc;
    if (after !== before) {
      this.#doc = after;
      const found = changes(before, after);
      this.index.update(found, after);
      for (const listener of this.#docListeners) listener(found, before);
    }
    this.#tell();
  }

  // Tools -------------------------------------------------------------------------------------------------------------------

  /** Tools that this task has a use for. */
  offered(): ToolId[] {
    const kinds = new Set(this.config.geometries.map((g) => g.kind));
    const tools: ToolId[] = ["select"];
    if (this.readOnly) return tools;
    if (kinds.has("box")) tools.push("box");
    if (kinds.has("box") && this.limits("box").can_rotate) tools.push("rotated-box");
    for (const kind of ["polygon", "line", "point", "ellipse", "cuboid"] as const)
      if (kinds.has(kind)) tools.push(kind);
    if (kinds.has("polygon")) tools.push("split", "cut");
    if (this.config.links.size > 0 || this.config.attributes.some((a) => a.type === "linked"))
      tools.push("relate");
    return tools;
  }

  setTool(id: ToolId): void {
    if (!this.offered().includes(id)) return;
    this.#tool.cancel();
    this.set({ tool: id, notice: null, ...(drawsKind(id) === null ? {} : { lastDrawing: id }) });
    this.#tool = makeTool(id, this);
    this.#tell();
  }

  leaveTool(): void {
    this.setTool("select");
  }

  /** The geometry that would be drawn now, or that is selected. */
  kind(): string | null {
    const drawing = drawsKind(this.#state.tool);
    if (drawing !== null) return drawing;
    const [id] = this.selection;
    return (
      (id === undefined ? undefined : this.doc.records.get(id)?.kind) ??
      this.config.geometries[0]?.kind ??
      null
    );
  }

  pointerDown(p: Pointer): void {
    this.#tool.down(p);
    this.#tell();
  }

  pointerMove(p: Pointer): void {
    this.#state = { ...this.#state, cursor: p.at };
    this.#tool.move(p);
    if (!this.#tool.busy) {
      const hover = this.hit(p.at);
      if (hover !== this.#state.hover) this.#state = { ...this.#state, hover };
    }
    this.#tell();
  }

  pointerUp(p: Pointer): void {
    this.#tool.up(p);
    this.#tell();
  }

  doubleClick(p: Pointer): void {
    this.#tool.double?.(p);
    this.#tell();
  }

  /** True when the tool had a use for the key. */
  key(key: "Enter" | "Escape" | "Backspace"): boolean {
    if (this.#state.relating !== null && key === "Escape") {
      this.set({ relating: null });
      return true;
    }
    const used = this.#tool.key(key);
    if (used) this.#tell();
    else if (key === "Escape" && this.#state.tool !== "select") {
      this.leaveTool();
      return true;
    } else if (key === "Escape" && this.selection.size > 0) {
      this.select([]);
      return true;
    }
    return used;
  }

  // ToolHost ----------------------------------------------------------------------------------------------------------------

  get doc(): Doc {
    return this.store.doc;
  }

  get selection(): ReadonlySet<RecordId> {
    return this.store.selection;
  }

  readonly holesAllowed = false;

  apply(action: Action, label: string, select?: Iterable<RecordId>): void {
    if (!this.readOnly) this.store.apply(action, label, select);
  }

  begin(): void {
    if (!this.readOnly && !this.store.inGesture) this.store.begin();
  }

  commit(): void {
    this.store.commit();
  }

  cancel(): void {
    this.store.cancel();
  }

  select(ids: Iterable<RecordId>): void {
    const chosen = new Set(ids);
    const groups = new Set([...chosen].flatMap((id) => this.doc.records.get(id)?.group ?? []));
    if (groups.size > 0)
      for (const record of this.doc.records.values())
        if (record.group !== undefined && groups.has(record.group)) chosen.add(record.id);
    this.store.select(chosen);
  }

  frame(): Area {
    const { x, y } = this.config.padding;
    return { left: -x, top: -y, right: this.picture.width + x, bottom: this.picture.height + y };
  }

  geometry(kind: string): GeometryConfig | undefined {
    return this.config.geometries.find((g) => g.kind === kind);
  }

  limits(kind: string): Limits {
    return this.geometry(kind)?.limits ?? {};
  }

  pixels(onScreen: number): number {
    return onScreen / this.viewport.scale;
  }

  visible(record: DocRecord): boolean {
    return !this.#state.hidden.has(record.id);
  }

  hit(at: Point): RecordId | null {
    // What is selected keeps the pointer, so that a shape can be moved although smaller ones lie on it.
    const slack = this.pixels(5);
    return this.index.at(at, slack, (r) => this.visible(r))?.id ?? null;
  }

  handleAt(at: Point): { record: DocRecord; handle: Handle } | null {
    const record = this.only();
    if (record === null || !this.visible(record) || this.readOnly) return null;
    let best: { handle: Handle; off: number } | null = null;
    for (const handle of this.handles(record)) {
      const off = distance(handle.at, at);
      if (off > this.pixels(handle.role === "middle" ? 6 : 9)) continue;
      // A vertex wins over the middle of an edge beside it.
      const rank = off + (handle.role === "middle" || handle.role === "edge" ? this.pixels(3) : 0);
      if (best === null || rank < best.off) best = { handle, off: rank };
    }
    return best === null ? null : { record, handle: best.handle };
  }

  /** Handles of a shape; those for turning stand off by a fixed distance on the screen, small shapes have no middles. */
  handles(record: DocRecord): Handle[] {
    const shape = shapeOf(record.kind);
    const b = shape.bounds(record.data);
    const centre = { x: (b.left + b.right) / 2, y: (b.top + b.bottom) / 2 };
    const all = shape.handles(record.data, this.limits(record.kind));
    const room = Math.max(b.right - b.left, b.bottom - b.top) / Math.max(1, this.pixels(1));
    return all.flatMap((handle) => {
      if ((handle.role === "middle" || (handle.role === "edge" && record.kind === "box")) && room < 40)
        return [];
      if (handle.role !== "rotate") return [handle];
      const off = distance(handle.at, centre) || 1;
      const k = 1 + this.pixels(24) / off;
      return [
        {
          ...handle,
          at: { x: centre.x + (handle.at.x - centre.x) * k, y: centre.y + (handle.at.y - centre.y) * k },
        },
      ];
    });
  }

  /** The one selected annotation, or null. */
  only(): DocRecord | null {
    if (this.selection.size !== 1) return null;
    const [id] = this.selection;
    return (id === undefined ? undefined : this.doc.records.get(id)) ?? null;
  }

  selectionBounds(): Area | null {
    let bounds: Area | null = null;
    for (const id of this.selection) {
      const record = this.doc.records.get(id);
      if (record !== undefined) bounds = union(bounds, shapeOf(record.kind).bounds(record.data));
    }
    return bounds;
  }

  within(area: Area): RecordId[] {
    return this.index
      .inside(area)
      .filter((r) => this.visible(r))
      .map((r) => r.id);
  }

  whyNotEdit(id: RecordId): string | null {
    if (this.readOnly) return "image.reason.readOnly";
    if (this.#state.locked.has(id)) return "image.reason.locked";
    if (this.config.rights !== null && !this.config.rights.edit && this.base.has(id))
      return "image.reason.base";
    return null;
  }

  mayEdit(id: RecordId, tell = false): boolean {
    const key = this.whyNotEdit(id);
    if (key !== null && tell) this.tell({ key, tone: "reason" });
    return key === null;
  }

  whyNotRemove(id: RecordId): string | null {
    if (this.readOnly) return "image.reason.readOnly";
    if (this.#state.locked.has(id)) return "image.reason.locked";
    if (this.config.rights !== null && !this.config.rights.remove && this.base.has(id))
      return "image.reason.baseStays";
    return null;
  }

  whyNotRelabel(id: RecordId): string | null {
    if (this.readOnly) return "image.reason.readOnly";
    if (this.#state.locked.has(id)) return "image.reason.locked";
    if (this.config.rights !== null && !this.config.rights.relabel && this.base.has(id))
      return "image.reason.baseLabel";
    return null;
  }

  whyNotDraw(kind: string): Notice | null {
    if (this.readOnly) return { key: "image.reason.readOnly", tone: "reason" };
    if (this.config.rights !== null && !this.config.rights.add)
      return { key: "image.reason.noAdding", tone: "reason" };
    const { most } = this.config.count;
    if (most !== null && this.doc.records.size >= most)
      return { key: "image.problem.manyAnnotations", values: { count: most }, tone: "reason" };
    return this.geometry(kind) === undefined ? { key: "image.reason.noGeometry", tone: "reason" } : null;
  }

  label(kind: string): string | null {
    const leaves = this.geometry(kind)?.leaves ?? [];
    const chosen = this.#state.labels[kind];
    return leaves.some((l) => l.node.name === chosen) ? (chosen ?? null) : (leaves[0]?.node.name ?? null);
  }

  drawn(kind: string, data: unknown): void {
    const record: DocRecord = { id: newId(), kind, label: this.label(kind), data, attributes: {} };
    this.apply(putRecords(record), "image.step.draw", [record.id]);
    this.tell(null);
  }

  tell(notice: Notice | null): void {
    if (notice !== this.#state.notice) this.set({ notice });
  }

  snap(at: Point, but: RecordId | null): { at: Point; record: RecordId } | null {
    const reach = this.pixels(SNAP);
    const around = grown({ left: at.x, top: at.y, right: at.x, bottom: at.y }, reach);
    let best: { at: Point; off: number; record: RecordId } | null = null;
    for (const record of this.index.search(around)) {
      if (record.id === but || !this.visible(record)) continue;
      const near = nearestOnBorder(record, at, reach);
      if (near !== null && (best === null || near.off < best.off)) best = { ...near, record: record.id };
    }
    return best === null ? null : { at: clampPoint(best.at, this.frame()), record: best.record };
  }

  /** Relations and `linked` attributes that may lead from one annotation to another. */
  relations(from: RecordId, to: RecordId): string[] {
    const [a, b] = [this.doc.records.get(from), this.doc.records.get(to)];
    if (a === undefined || b === undefined) return [];
    const links = [...this.config.links].filter(([, rules]) => linkRule(rules, a.label, b.label) !== null);
    const linked = this.config.attributes.filter(
      (d) =>
        d.type === "linked" &&
        b.label !== null &&
        d.targets.includes(b.label) &&
        (d.labels === null || (a.label !== null && d.labels.includes(a.label))),
    );
    return [...links.map(([label]) => label), ...linked.map((d) => `attribute:${d.key}`)];
  }

  relate(from: RecordId, to: RecordId): void {
    const options = this.relations(from, to);
    if (options.length === 0) {
      this.tell({ key: "image.reason.noRelation", tone: "reason" });
      return;
    }
    this.setTool("select");
    if (options.length === 1 && options[0] !== undefined) this.relateAs(from, to, options[0]);
    else this.set({ relating: { from, to, options } });
  }

  relateAs(from: RecordId, to: RecordId, option: string): void {
    this.set({ relating: null });
    if (option.startsWith("attribute:")) {
      const key = option.slice("attribute:".length);
      this.apply(
        updateRecords([from], (r) => ({ ...touched(r), attributes: { ...r.attributes, [key]: to } })),
        "image.step.relate",
        [from],
      );
    } else this.apply(addLink({ id: newId(), from, to, label: option }), "image.step.relate", [from]);
  }
}
