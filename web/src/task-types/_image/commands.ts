/** The image editor's commands with their default keys. */

import type { Surface } from "../../canvas2d/surface";
import type { Command } from "../../commands/command";
import { drawsKind, type ToolId } from "../../tools";
import { mergeRecords } from "../../tools/knives";
import type { ImageEditor } from "./editor";
import { leavesOf } from "./labels";
import * as op from "./operations";

export interface CommandContext {
  readonly editor: ImageEditor;
  readonly surface: () => Surface | null;
  readonly searchLabels: () => void;
  /** Leads to the questions about what is selected. */
  readonly questions: () => void;
  readonly hasBefore: boolean;
}

export const TOOL_KEYS: Readonly<Record<ToolId, string>> = {
  select: "V",
  box: "B",
  "rotated-box": "R",
  polygon: "P",
  line: "Y",
  point: "O",
  ellipse: "E",
  cuboid: "C",
  split: "S",
  cut: "X",
  relate: "Alt+R",
};

const needs = (yes: boolean, reason: string): true | string => (yes ? true : reason);

const selectedProposals = (editor: ImageEditor): string[] =>
  op.proposals(editor).filter((id) => editor.selection.has(id));

/** Labels that digits choose: those of the geometry at hand, in order. */
export function digitLabels(editor: ImageEditor): string[] {
  const kind = editor.kind();
  const geometry = kind === null ? undefined : editor.geometry(kind);
  return (geometry?.leaves ?? []).slice(0, 10).map((leaf) => leaf.node.name);
}

export function imageCommands(context: CommandContext): Command[] {
  const { editor, surface, searchLabels, questions, hasBefore } = context;
  const some = () => needs(editor.selection.size > 0, "image.reason.nothingSelected");
  const edit = () => (editor.readOnly ? "image.reason.readOnly" : some());
  const zoom = (factor: number) => {
    const s = surface();
    s?.look(s.viewport.zoomed(factor, { x: s.size.width / 2, y: s.size.height / 2 }));
  };
  const tools = editor.offered().map(
    (id): Command => ({
      id: `image.tool.${id}`,
      group: "tool",
      keys: [TOOL_KEYS[id]],
      run: () => editor.setTool(id),
    }),
  );
  const digits = Array.from({ length: 10 }, (_, i): Command => {
    const digit = String((i + 1) % 10);
    const name = digitLabels(editor)[i];
    return {
      id: `image.label.${digit}`,
      group: "label",
      keys: [digit],
      ...(name === undefined ? { hidden: true } : { title: name }),
      available: () => needs(digitLabels(editor)[i] !== undefined, "image.reason.noSuchLabel"),
      run: () => {
        const label = digitLabels(editor)[i];
        if (label !== undefined) op.relabel(editor, label);
      },
    };
  });
  const view: Command[] = [
    { id: "image.fit", group: "view", keys: ["Shift+1"], run: () => fitView(editor, surface()) },
    {
      id: "image.actual",
      group: "view",
      keys: ["Shift+0"],
      run: () => {
        const s = surface();
        s?.look(s.viewport.zoomed(1 / s.viewport.scale, { x: s.size.width / 2, y: s.size.height / 2 }));
      },
    },
    { id: "image.zoomIn", group: "view", keys: ["+", "="], repeats: true, run: () => zoom(1.25) },
    { id: "image.zoomOut", group: "view", keys: ["-"], repeats: true, run: () => zoom(0.8) },
    {
      id: "image.zoomToSelection",
      group: "view",
      keys: ["Z"],
      available: some,
      run: () => showSelection(editor, surface()),
    },
    {
      id: "image.rotateView",
      group: "view",
      keys: ["Alt+Shift+R"],
      run: () => rotateView(editor, surface()),
    },
    {
      id: "image.crosshair",
      group: "view",
      keys: ["J"],
      run: () => editor.set({ crosshair: !editor.state.crosshair }),
    },
    {
      id: "image.hide",
      group: "object",
      keys: ["H"],
      available: some,
      run: () => op.toggleHidden(editor, editor.selection),
    },
    {
      id: "image.hideAll",
      group: "object",
      keys: ["Shift+H"],
      run: () =>
        editor.set({ hidden: editor.state.hidden.size > 0 ? new Set() : new Set(editor.doc.records.keys()) }),
    },
    { id: "image.selectAll", group: "edit", keys: ["Mod+A"], run: () => op.selectAll(editor) },
    {
      id: "image.escape",
      group: "edit",
      keys: ["Escape"],
      run: () => {
        editor.key("Escape");
      },
    },
  ];
  if (hasBefore)
    view.push({
      id: "image.before",
      group: "review",
      keys: ["\\"],
      run: () => editor.set({ showBefore: true }),
      release: () => editor.set({ showBefore: false }),
    });
  if (editor.readOnly) return [...tools, ...view];
  const objects: Command[] = [
    {
      id: "image.lock",
      group: "object",
      keys: ["L"],
      available: some,
      run: () => op.toggleLocked(editor, editor.selection),
    },
    {
      id: "image.lockAll",
      group: "object",
      keys: ["Shift+L"],
      run: () =>
        editor.set({ locked: editor.state.locked.size > 0 ? new Set() : new Set(editor.doc.records.keys()) }),
    },
    {
      id: "image.delete",
      group: "edit",
      keys: ["Delete", "Backspace"],
      available: () => (editor.tool.busy ? true : edit()),
      run: () => {
        if (!editor.key("Backspace")) op.remove(editor);
      },
    },
    { id: "image.copy", group: "edit", keys: ["Mod+C"], available: some, run: () => op.copy(editor) },
    {
      id: "image.paste",
      group: "edit",
      keys: ["Mod+V"],
      available: () => needs(op.hasCopies(), "image.reason.nothingCopied"),
      run: () => op.paste(editor),
    },
    {
      id: "image.duplicate",
      group: "edit",
      keys: ["Mod+D"],
      available: edit,
      run: () => op.duplicate(editor),
    },
    {
      id: "image.drawAgain",
      group: "tool",
      keys: ["N"],
      available: () => needs(editor.state.lastDrawing !== null, "image.reason.noGeometry"),
      run: () => {
        // While a polygon or line is drawn, N ends it, as people are used to.
        if (editor.tool.busy) editor.key("Enter");
        else if (editor.state.lastDrawing !== null) editor.setTool(editor.state.lastDrawing);
      },
    },
    {
      id: "image.searchLabels",
      group: "label",
      keys: ["/"],
      available: () => needs(digitLabels(editor).length > 0, "image.reason.noSuchLabel"),
      run: searchLabels,
    },
    {
      id: "image.questions",
      group: "object",
      keys: ["Enter"],
      run: () => {
        // While something is drawn, Enter ends it.
        if (!editor.key("Enter")) questions();
      },
    },
    {
      id: "image.occluded",
      group: "object",
      keys: ["Q"],
      available: () => (op.occludedAttribute(editor) === null ? "image.reason.noOccluded" : edit()),
      run: () => op.toggleOccluded(editor),
    },
    {
      id: "image.group",
      group: "object",
      keys: ["G"],
      available: () => needs(editor.selection.size > 1, "image.reason.selectSeveral"),
      run: () => op.group(editor),
    },
    {
      id: "image.ungroup",
      group: "object",
      keys: ["Shift+G"],
      available: edit,
      run: () => op.ungroup(editor),
    },
    {
      id: "image.front",
      group: "object",
      keys: ["PageUp"],
      available: edit,
      run: () => op.arrange(editor, "front"),
    },
    {
      id: "image.back",
      group: "object",
      keys: ["PageDown"],
      available: edit,
      run: () => op.arrange(editor, "back"),
    },
    {
      id: "image.merge",
      group: "edit",
      keys: ["M"],
      available: edit,
      run: () => {
        const reason = mergeRecords(editor, [...editor.selection]);
        if (reason !== null) editor.tell({ key: reason, tone: "reason" });
      },
    },
    {
      id: "image.accept",
      group: "object",
      keys: ["A"],
      available: edit,
      run: () => op.accept(editor, editor.selection),
    },
    {
      id: "image.acceptAll",
      group: "object",
      keys: ["Alt+A"],
      available: () => needs(op.proposals(editor).length > 0, "image.reason.noProposals"),
      run: () => op.accept(editor, op.proposals(editor)),
    },
    {
      id: "image.reject",
      group: "object",
      keys: ["Shift+Delete"],
      available: () => needs(selectedProposals(editor).length > 0, "image.reason.noProposals"),
      run: () => op.reject(editor, selectedProposals(editor)),
    },
  ];
  return [...tools, ...digits, ...objects, ...view];
}

/** Commands for as long as the canvas has the focus: keys that other parts of a page need for themselves. */
export function canvasCommands(
  { editor, surface }: CommandContext,
  order: () => readonly string[],
  pan: (on: boolean) => void,
): Command[] {
  const arrows = (
    [
      ["Left", -1, 0],
      ["Right", 1, 0],
      ["Up", 0, -1],
      ["Down", 0, 1],
    ] as const
  ).flatMap(([name, dx, dy]): Command[] => [
    {
      id: `image.nudge.${name}`,
      group: "object",
      keys: [`Arrow${name}`],
      repeats: true,
      hidden: true,
      run: () => arrow(editor, surface(), dx, dy, false),
    },
    {
      id: `image.nudge10.${name}`,
      group: "object",
      keys: [`Shift+Arrow${name}`],
      repeats: true,
      hidden: true,
      run: () => arrow(editor, surface(), dx, dy, true),
    },
    {
      id: `image.stretch.${name}`,
      group: "object",
      keys: [`Mod+Shift+Arrow${name}`],
      repeats: true,
      hidden: true,
      run: () => op.stretch(editor, dx * 5, dy * 5),
    },
  ]);
  const step = (by: 1 | -1) => {
    op.step(editor, by, order());
    showSelection(editor, surface(), true);
  };
  return [
    ...arrows,
    { id: "image.next", group: "object", keys: ["Tab"], repeats: true, run: () => step(1) },
    { id: "image.previous", group: "object", keys: ["Shift+Tab"], repeats: true, run: () => step(-1) },
    { id: "image.pan", group: "view", keys: ["Space"], run: () => pan(true), release: () => pan(false) },
  ];
}

/** Arrows move the selection; while a drawing tool is on, they move its pointer. */
function arrow(editor: ImageEditor, surface: Surface | null, dx: number, dy: number, far: boolean): void {
  if (drawsKind(editor.state.tool) === null && !["split", "cut"].includes(editor.state.tool)) {
    op.nudge(editor, dx * (far ? 10 : 1), dy * (far ? 10 : 1));
    return;
  }
  const by = editor.pixels(far ? 40 : 8);
  const centre = surface?.viewport.toImage({ x: surface.size.width / 2, y: surface.size.height / 2 });
  const from = editor.cursor ?? centre ?? { x: 0, y: 0 };
  const frame = editor.frame();
  const at = {
    x: Math.round(Math.min(Math.max(from.x + dx * by, frame.left), frame.right)),
    y: Math.round(Math.min(Math.max(from.y + dy * by, frame.top), frame.bottom)),
  };
  editor.pointerMove({ at, shift: false, mod: false, alt: false });
}

export function fitView(editor: ImageEditor, surface: Surface | null): void {
  surface?.look(surface.viewport.fitted(editor.frame(), surface.size, 16));
}

/** A quarter turn; a global attribute called image_rotation follows it (degrees clockwise). */
export function rotateView(editor: ImageEditor, surface: Surface | null): void {
  if (surface === null) return;
  const next = surface.viewport.turned(1, surface.size);
  surface.look(next.fitted(editor.frame(), surface.size, 16));
  if (
    !editor.readOnly &&
    editor.config.scene.some((a) => a.key === "image_rotation" && (a.type === "angle" || a.type === "number"))
  )
    op.answerScene(editor, "image_rotation", next.turn * 90);
}

/** Moves the view to what is selected; with `gently` only if it is not in sight. */
export function showSelection(editor: ImageEditor, surface: Surface | null, gently = false): void {
  const bounds = editor.selectionBounds();
  if (surface === null || bounds === null) return;
  const on = surface.viewport.areaToScreen(bounds);
  const seen =
    on.left >= 0 && on.top >= 0 && on.right <= surface.size.width && on.bottom <= surface.size.height;
  if (gently && seen) return;
  surface.look(
    gently && on.right - on.left < surface.size.width && on.bottom - on.top < surface.size.height
      ? surface.viewport.centred(
          { x: (bounds.left + bounds.right) / 2, y: (bounds.top + bounds.bottom) / 2 },
          surface.size,
        )
      : surface.viewport.fitted(bounds, surface.size, 80, 8),
  );
}

/** Labels of all geometries, for the picker. */
export const allLeaves = (editor: ImageEditor) =>
  editor.config.geometries.flatMap((g) => leavesOf(g.labels).map((leaf) => ({ ...leaf, kind: g.kind })));
