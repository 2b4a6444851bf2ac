/**
 * The image editor without a screen: tools, selection, the label to draw with, notices. React and the canvas show it, tests drive it by pointer
 * and key verbs. Nothing that a pointer move does here grows with the number of annotations: a gesture shows its shapes beside the document
 * (`tentative`) and changes it once, at its end.
 */

import { type Change, changes, HitIndex } from "../../canvas2d/hits";
import { Viewport } from "../../canvas2d/viewport";
import { type Action, type Doc, type DocRecord, newId, putRecords, type RecordId } from "../../document/doc";
import type { DocumentStore } from "../../document/store";
import { shapeOf } from "../../shapes";
import { type Area, type Handle, type Limits, type Point, union } from "../../shapes/shape";
import { drawsKind, makeTool, type ToolId } from "../../tools";
import type { Notice, Pointer, Tool, ToolHost } from "../../tools/tool";
import type { GeometryConfig, ImageConfig } from "./config";
import { handleAt, handlesOf, snapTo } from "./picking";
import { relate } from "./relating";
import { type Verb, whyNot, whyNotDraw } from "./rights";
import { type EditorState, type Memory, remember, remembered } from "./state";
import { baseIds } from "./wire";

export interface Picture {
  readonly width: number;
  readonly height: number;
}

export interface EditorOptions {
  readonly store: DocumentStore;
  readonly config: ImageConfig;
  readonly picture: Picture;
  readonly readOnly?: boolean;
  readonly memory?: Memory;
}

const NONE: ReadonlyMap<RecordId, DocRecord> = new Map();

export class ImageEditor implements ToolHost {
  readonly store: DocumentStore;
  readonly config: ImageConfig;
  readonly index: HitIndex;
  readonly readOnly: boolean;
  readonly base: ReadonlySet<RecordId>;
  /** No image type has a form for polygons with holes. */
  readonly holesAllowed = false;
  picture: Picture;
  viewport = new Viewport();
  /** Where the pointer is, in image coordinates, and what it is on. */
  cursor: Point | null = null;
  hover: RecordId | null = null;
  /** The annotations in the order of the list, and where in it somebody was before what was there went away. */
  listed: readonly RecordId[] = [];
  left: { readonly order: readonly RecordId[]; readonly at: RecordId } | null = null;
  #state: EditorState;
  #tool: Tool;
  #doc: Doc;
  #tentative = NONE;
  #revision = 0;
  #content = 0;
  readonly #memory: Memory | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #docListeners = new Set<(found: readonly Change[], before: Doc) => void>();
  readonly #viewListeners = new Set<() => void>();
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
    this.#state = this.#fitting(remembered(options.memory));
    this.#tool = makeTool(this.#state.tool, this);
    this.#unsubscribe = this.store.subscribe(() => this.#follow());
  }

  dispose(): void {
    this.#tool.cancel();
    this.#unsubscribe();
    this.#listeners.clear();
    this.#docListeners.clear();
    this.#viewListeners.clear();
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

  /** Changes with everything that is to be seen, the pointer and what is being drawn included. */
  revision = (): number => this.#revision;

  /** Changes with the document, the selection and the state, not with the pointer. */
  content = (): number => this.#content;

  onDocument(listener: (found: readonly Change[], before: Doc) => void): () => void {
    this.#docListeners.add(listener);
    return () => this.#docListeners.delete(listener);
  }

  /** Called in every frame in which the view moves. */
  onView = (listener: () => void): (() => void) => {
    this.#viewListeners.add(listener);
    return () => this.#viewListeners.delete(listener);
  };

  look(viewport: Viewport): void {
    this.viewport = viewport;
    for (const listener of this.#viewListeners) listener();
  }

  set(change: Partial<EditorState>): void {
    this.#state = { ...this.#state, ...change };
    remember(this.#memory, this.#state, change);
    this.#tell();
  }

  #tell(content = true): void {
    this.#revision++;
    if (content) this.#content++;
    for (const listener of this.#listeners) listener();
  }

  #fitting(state: EditorState): EditorState {
    const offered = this.offered();
    const first = offered.find((id) => drawsKind(id) !== null) ?? null;
    const last = state.lastDrawing && offered.includes(state.lastDrawing) ? state.lastDrawing : first;
    const tool = this.readOnly || !offered.includes(state.tool) ? "select" : state.tool;
    return { ...state, tool, lastDrawing: last };
  }

  #follow(): void {
    if (this.#tentative !== NONE && !this.store.inGesture) {
      // Taken back or finished from elsewhere (undo, submission).
      this.#tentative = NONE;
      this.#tool.cancel();
    }
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
    this.#tell(false);
  }

  pointerMove(p: Pointer): void {
    this.cursor = p.at;
    this.#tool.move(p);
    if (!this.#tool.busy) this.hover = this.hit(p.at);
    this.#tell(false);
  }

  pointerUp(p: Pointer): void {
    this.#tool.up(p);
    this.#tell(false);
  }

  doubleClick(p: Pointer): void {
    this.#tool.double?.(p);
    this.#tell(false);
  }

  /** What the pointer is on elsewhere, in the list of objects. */
  hoverOver(id: RecordId | null): void {
    this.hover = id;
    this.#tell(false);
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

  apply(action: Action, label: string, select?: Iterable<RecordId>): void {
    if (!this.readOnly) this.store.apply(action, label, select);
  }

  attempt(records: readonly DocRecord[], label: string): void {
    if (this.readOnly) return;
    if (!this.store.inGesture)
      this.store.begin(() => ({ action: putRecords(...this.#tentative.values()), label }));
    this.#tentative = new Map(records.map((record) => [record.id, record]));
  }

  settle(): void {
    this.store.commit();
  }

  drop(): void {
    this.store.cancel();
  }

  /** What a gesture under way shows beside the document. */
  get attempted(): ReadonlyMap<RecordId, DocRecord> {
    return this.#tentative;
  }

  /** An annotation as it is seen: as a gesture under way has it, else as the document does. */
  live(id: RecordId): DocRecord | undefined {
    return this.#tentative.get(id) ?? this.doc.records.get(id);
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
    return this.index.at(at, this.pixels(5), (r) => this.visible(r))?.id ?? null;
  }

  handleAt(at: Point): { record: DocRecord; handle: Handle } | null {
    return handleAt(at, this);
  }

  handles(record: DocRecord): Handle[] {
    return handlesOf(record, this);
  }

  /** The one selected annotation, or null. */
  only(): DocRecord | null {
    if (this.selection.size !== 1) return null;
    const [id] = this.selection;
    return (id === undefined ? undefined : this.live(id)) ?? null;
  }

  selectionBounds(): Area | null {
    let bounds: Area | null = null;
    for (const id of this.selection) {
      const record = this.live(id);
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

  whyNot(verb: Verb, id: RecordId): string | null {
    return whyNot(verb, id, this);
  }

  mayEdit(id: RecordId, tell = false): boolean {
    const key = this.whyNot("edit", id);
    if (key !== null && tell) this.tell({ key, tone: "reason" });
    return key === null;
  }

  whyNotDraw(kind: string): Notice | null {
    return whyNotDraw(kind, this);
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
    const now = this.#state.notice;
    if (notice !== now && JSON.stringify(notice) !== JSON.stringify(now)) this.set({ notice });
  }

  snap(at: Point, but: RecordId | null): { at: Point; record: RecordId } | null {
    return snapTo(at, but, this);
  }

  relate(from: RecordId, to: RecordId): void {
    relate(this, from, to);
  }
}
