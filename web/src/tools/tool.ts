/**
 * A tool is a small state machine that receives the pointer in document coordinates and keys by name. It changes the document through its host
 * and never sees the screen. Escape gives up what is under way, pointer-up settles it as one step of history.
 */

import type { Action, Doc, DocRecord, RecordId } from "../document/doc";
import type { Area, Handle, Limits, Point, Problem } from "../shapes/shape";

export interface Pointer {
  readonly at: Point;
  readonly shift: boolean;
  /** Ctrl, or Cmd on a Mac. */
  readonly mod: boolean;
  readonly alt: boolean;
}

/** What is being drawn, for the overlay. */
export interface Preview {
  readonly kind: string;
  readonly data: unknown;
  /** Vertices to mark while drawing. */
  readonly vertices: readonly Point[];
  /** True when the next click closes the shape. */
  readonly closing: boolean;
  readonly problems: readonly Problem[];
  /** Where the pointer snaps to. */
  readonly snap: Point | null;
  /** A cutting line or ring rather than a shape. */
  readonly knife?: boolean;
}

export interface Notice {
  readonly key: string;
  readonly values?: Readonly<Record<string, number | string>>;
  /** A reason why something was not done, or a hint of what to do next. */
  readonly tone: "reason" | "hint";
}

export interface ToolHost {
  readonly doc: Doc;
  readonly selection: ReadonlySet<RecordId>;
  apply(action: Action, label: string, select?: Iterable<RecordId>): void;
  /** Shows annotations as a gesture would leave them; the document stays as it is until `settle`, one step of history. */
  attempt(records: readonly DocRecord[], label: string): void;
  settle(): void;
  /** Gives up what was attempted. */
  drop(): void;
  /** An annotation as it is seen. */
  live(id: RecordId): DocRecord | undefined;
  select(ids: Iterable<RecordId>): void;
  frame(): Area;
  limits(kind: string): Limits;
  /** Image pixels for so many screen pixels at the present zoom. */
  pixels(onScreen: number): number;
  /** The topmost annotation there that can be touched. */
  hit(at: Point): RecordId | null;
  handleAt(at: Point): { record: DocRecord; handle: Handle } | null;
  within(area: Area): RecordId[];
  /** Whether its geometry may be changed; otherwise the reason is told. */
  mayEdit(id: RecordId, tell?: boolean): boolean;
  /** Why nothing may be drawn now, or null. */
  whyNotDraw(kind: string): Notice | null;
  /** A finished shape joins the document with the current label. */
  drawn(kind: string, data: unknown): void;
  tell(notice: Notice | null): void;
  /** Vertex or border of another annotation nearby, for snapping. */
  snap(at: Point, but: RecordId | null): { at: Point; record: RecordId } | null;
  /** Makes a relation from one annotation to another. */
  relate(from: RecordId, to: RecordId): void;
  leaveTool(): void;
  readonly holesAllowed: boolean;
}

export interface Tool {
  readonly id: string;
  readonly cursor: string;
  down(p: Pointer): void;
  move(p: Pointer): void;
  up(p: Pointer): void;
  /** Second click of a double click, after its down and up. */
  double?(p: Pointer): void;
  /** True when the key was used. */
  key(key: "Enter" | "Escape" | "Backspace"): boolean;
  /** Drops what is under way; nothing stays. */
  cancel(): void;
  preview(): Preview | null;
  /** The rectangle of a selection that is being drawn. */
  marquee?(): Area | null;
  /** Whether something is under way. */
  readonly busy: boolean;
}

/** Pointer travel, in screen pixels, that makes a press a drag. */
export const DRAG = 4;
export const SNAP = 10;
