/** Selecting, moving, resizing and editing vertices: idle → pressed → moving | dragging a handle | marquee → idle. */

import { type DocRecord, type RecordId, updateRecords } from "../document/doc";
import { shapeOf } from "../shapes";
import { dragVertex, nearestEdge, type PathData } from "../shapes/polygon/polygon";
import { type Area, areaOf, clampMove, distance, type Handle, type Point, union } from "../shapes/shape";
import { DRAG, type Pointer, type Preview, type Tool, type ToolHost } from "./tool";

type State =
  | { readonly name: "idle" }
  | {
      readonly name: "pressed";
      readonly at: Point;
      readonly on: RecordId | null;
      readonly shift: boolean;
      readonly wasSelected: boolean;
    }
  | {
      readonly name: "moving";
      readonly at: Point;
      readonly before: ReadonlyMap<RecordId, DocRecord>;
      readonly bounds: Area;
    }
  | {
      readonly name: "handle";
      readonly at: Point;
      readonly record: DocRecord;
      readonly handle: Handle;
      readonly off: Point;
    }
  | {
      readonly name: "marquee";
      readonly from: Point;
      readonly to: Point;
      readonly kept: readonly RecordId[];
    };

const IDLE: State = { name: "idle" };

/** A touched proposal counts as accepted. */
export const touched = (record: DocRecord): DocRecord =>
  record.hypothesis === "proposed" ? { ...record, hypothesis: "accepted" } : record;

export class SelectTool implements Tool {
  readonly id = "select";
  #state: State = IDLE;

  constructor(private readonly host: ToolHost) {}

  get busy(): boolean {
    return this.#state.name !== "idle" && this.#state.name !== "pressed";
  }

  get cursor(): string {
    return this.#state.name === "moving" ? "move" : "default";
  }

  down(p: Pointer): void {
    this.host.tell(null);
    const grabbed = p.shift ? null : this.host.handleAt(p.at);
    if (grabbed !== null && this.host.mayEdit(grabbed.record.id, true)) {
      const { record, handle } = grabbed;
      if (p.alt && handle.role === "vertex") {
        this.removeVertex(record.id, handle.id);
        return;
      }
      const off = { x: handle.at.x - p.at.x, y: handle.at.y - p.at.y };
      this.#state = { name: "handle", at: p.at, record, handle, off };
      return;
    }
    const on = this.host.hit(p.at);
    const wasSelected = on !== null && this.host.selection.has(on);
    if (on !== null && !wasSelected) this.host.select(p.shift ? [...this.host.selection, on] : [on]);
    this.#state = { name: "pressed", at: p.at, on, shift: p.shift, wasSelected };
  }

  move(p: Pointer): void {
    const state = this.#state;
    if (state.name === "pressed" && distance(state.at, p.at) > this.host.pixels(DRAG)) this.#start(state, p);
    if (this.#state.name === "moving") this.#moveTo(this.#state, p);
    if (this.#state.name === "handle") this.#dragTo(this.#state, p);
    if (this.#state.name === "marquee") this.#state = { ...this.#state, to: p.at };
  }

  #start(state: Extract<State, { name: "pressed" }>, p: Pointer): void {
    if (state.on === null) {
      const kept = state.shift ? [...this.host.selection] : [];
      this.#state = { name: "marquee", from: state.at, to: p.at, kept };
      return;
    }
    const before = new Map<RecordId, DocRecord>();
    let bounds: Area | null = null;
    for (const id of this.host.selection) {
      const record = this.host.doc.records.get(id);
      if (record === undefined || !this.host.mayEdit(id, true)) continue;
      before.set(id, record);
      bounds = union(bounds, areaOf(shapeOf(record.kind).points(record.data)));
    }
    if (bounds === null) {
      this.#state = IDLE;
      return;
    }
    this.#state = { name: "moving", at: state.at, before, bounds };
  }

  #moveTo(state: Extract<State, { name: "moving" }>, p: Pointer): void {
    let [dx, dy] = [p.at.x - state.at.x, p.at.y - state.at.y];
    if (p.shift) [dx, dy] = Math.abs(dx) > Math.abs(dy) ? [dx, 0] : [0, dy];
    const by = clampMove(state.bounds, dx, dy, this.host.frame());
    this.host.attempt(
      [...state.before.values()].map((record) => ({
        ...touched(record),
        data: movedData(record, by.x, by.y, this.host),
      })),
      "image.step.move",
    );
  }

  #dragTo(state: Extract<State, { name: "handle" }>, p: Pointer): void {
    const { record, handle, off } = state;
    const snapped = p.mod ? this.host.snap(p.at, record.id) : null;
    const to = snapped?.at ?? { x: p.at.x + off.x, y: p.at.y + off.y };
    const grip = {
      to,
      limits: this.host.limits(record.kind),
      frame: this.host.frame(),
      constrained: p.shift,
    };
    const data = shapeOf(record.kind).dragged(record.data, handle.id, grip);
    this.host.attempt([{ ...touched(record), data }], "image.step.reshape");
  }

  up(p: Pointer): void {
    const state = this.#state;
    this.#state = IDLE;
    if (state.name === "moving" || state.name === "handle") {
      const [problem] = state.name === "handle" ? this.#problems(state.record.id) : [];
      if (problem !== undefined) {
        this.host.drop();
        this.host.tell({ ...problem, tone: "reason" });
      } else this.host.settle();
    } else if (state.name === "marquee") {
      this.host.select([...state.kept, ...this.host.within(areaOf([state.from, p.at]))]);
    } else if (state.name === "pressed") this.#click(state);
  }

  #click(state: Extract<State, { name: "pressed" }>): void {
    if (state.on === null) {
      if (!state.shift) this.host.select([]);
    } else if (state.shift && state.wasSelected) {
      this.host.select([...this.host.selection].filter((id) => id !== state.on));
    } else if (!state.shift && state.wasSelected && this.host.selection.size > 1) {
      this.host.select([state.on]);
    }
  }

  #problems(id: RecordId) {
    const record = this.host.live(id);
    if (record === undefined) return [];
    return shapeOf(record.kind).problems(record.data, this.host.limits(record.kind));
  }

  /** A double click on a border adds a vertex there. */
  double(p: Pointer): void {
    const [id] = this.host.selection;
    const record = id === undefined ? undefined : this.host.doc.records.get(id);
    if (!record || (record.kind !== "polygon" && record.kind !== "line")) return;
    const data = record.data as PathData;
    const edge = nearestEdge(data.vertices, p.at, record.kind === "polygon");
    if (!edge || edge.distance > this.host.pixels(8) || !this.host.mayEdit(record.id, true)) return;
    const next = {
      ...data,
      vertices: dragVertex(data.vertices, `m${edge.after}`, edge.at),
      given: undefined,
    };
    const [problem] = shapeOf(record.kind).problems(next, this.host.limits(record.kind));
    if (problem) {
      this.host.tell({ ...problem, tone: "reason" });
      return;
    }
    this.host.apply(
      updateRecords([record.id], (now) => ({ ...touched(now), data: next })),
      "image.step.addVertex",
    );
  }

  removeVertex(id: RecordId, handle: string): void {
    const record = this.host.doc.records.get(id);
    if (!record || (record.kind !== "polygon" && record.kind !== "line")) return;
    const index = Number(handle.slice(1));
    const data = record.data as PathData;
    const next = { ...data, vertices: data.vertices.filter((_, i) => i !== index), given: undefined };
    const [problem] = shapeOf(record.kind).problems(next, this.host.limits(record.kind));
    if (problem !== undefined) {
      this.host.tell({ ...problem, tone: "reason" });
      return;
    }
    this.host.apply(
      updateRecords([id], (now) => ({ ...touched(now), data: next })),
      "image.step.removeVertex",
    );
  }

  key(key: "Enter" | "Escape" | "Backspace"): boolean {
    if (key !== "Escape") return false;
    if (this.busy) {
      this.cancel();
      return true;
    }
    if (this.host.selection.size === 0) return false;
    this.host.select([]);
    return true;
  }

  cancel(): void {
    if (this.#state.name === "moving" || this.#state.name === "handle") this.host.drop();
    this.#state = IDLE;
  }

  preview(): Preview | null {
    return null;
  }

  marquee(): Area | null {
    return this.#state.name === "marquee" ? areaOf([this.#state.from, this.#state.to]) : null;
  }
}

/** A moved shape; boxes that are returned in whole pixels move by whole pixels. */
export function movedData(
  record: DocRecord,
  dx: number,
  dy: number,
  host: Pick<ToolHost, "limits">,
): unknown {
  const whole = record.kind === "box" && host.limits("box").integer_pixels;
  return shapeOf(record.kind).moved(record.data, whole ? Math.round(dx) : dx, whole ? Math.round(dy) : dy);
}
