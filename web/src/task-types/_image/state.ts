/** What is on the screen beside the document: tool, label, what is hidden and locked, how things look. A new object after every change. */

import type { RecordId } from "../../document/doc";
import type { ToolId } from "../../tools";
import type { Notice } from "../../tools/tool";

export interface EditorState {
  readonly tool: ToolId;
  /** The tool to draw with again. */
  readonly lastDrawing: ToolId | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly hidden: ReadonlySet<RecordId>;
  readonly locked: ReadonlySet<RecordId>;
  readonly notice: Notice | null;
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
  notice: null,
  showBefore: false,
  layersShown: true,
  crosshair: true,
  brightness: 100,
  contrast: 100,
  opacity: 25,
  relating: null,
};

/** What lives on from task to task. */
export const STICKY = [
  "tool",
  "lastDrawing",
  "labels",
  "layersShown",
  "crosshair",
  "brightness",
  "contrast",
  "opacity",
] as const;

export type Memory = Map<string, unknown>;

/** The state to begin with: the last task's where it was kept. */
export function remembered(memory: Memory | undefined): EditorState {
  const kept: Record<string, unknown> = {};
  for (const key of STICKY) {
    const value = memory?.get(key);
    if (value !== undefined) kept[key] = value;
  }
  return { ...START, ...kept } as EditorState;
}

export function remember(memory: Memory | undefined, state: EditorState, change: Partial<EditorState>): void {
  if (memory === undefined) return;
  for (const key of STICKY) if (key in change) memory.set(key, state[key]);
}
