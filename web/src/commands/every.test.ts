// Every command of every editor, in each stage of work: no two with the same keys, none with keys that browsers keep, and those that were promised.
import { expect, test } from "vitest";
import { EMPTY_DOC } from "../document/doc";
import { DocumentStore } from "../document/store";
import { formCommands } from "../task-types/_form/commands";
import { canvasCommands, imageCommands } from "../task-types/_image/commands";
import { TestEditor } from "../task-types/_image/TestEditor";
import { textCommands } from "../task-types/namedentityrecognition/commands";
import { flatLabels } from "../task-types/namedentityrecognition/model";
import { appCommands, compareCommands, remarkCommand, taskCommands } from "../workbench/commands";
import type { OpenWork } from "../workbench/open";
import type { WorkSession } from "../workbench/session";
import type { Command } from "./command";
import { isReserved } from "./keys";
import { CommandRegistry } from "./registry";

const nothing = () => undefined;
const labels = Array.from({ length: 12 }, (_, i) => ({ name: `label ${i}` }));
const objects_to_annotate = labels.map(({ name }) => name);
const GEOMETRIES = Object.fromEntries(
  ["box", "polygon", "line", "point", "ellipse", "cuboid"].map((kind) => [
    kind,
    { objects_to_annotate, can_rotate: true },
  ]),
);

function image(): Command[] {
  const { editor } = new TestEditor({
    geometries: GEOMETRIES,
    links: { beside: { from_allowed_labels: ["label 1"], to_allowed_labels: ["label 2"] } },
  });
  const context = { editor, surface: () => null, searchLabels: nothing, questions: nothing, hasBefore: true };
  return [...imageCommands(context), ...canvasCommands(context, () => [], nothing)];
}

const EDITORS: Record<string, { commands: Command[]; holds: boolean }> = {
  image: { commands: image(), holds: true },
  text: { commands: textCommands(flatLabels(labels), () => ({}) as never), holds: false },
  form: {
    commands: formCommands({
      choose: nothing,
      title: String,
      walk: nothing,
      play: nothing,
      playable: () => true,
    }),
    holds: false,
  },
  json: { commands: [], holds: false },
};
const STAGES = ["label", "review"] as const;
const cases = Object.keys(EDITORS).flatMap((editor) => STAGES.map((stage) => [editor, stage] as const));

function everything(editor: string, stage: (typeof STAGES)[number]): CommandRegistry {
  const registry = new CommandRegistry();
  const open = { work: { stage }, store: new DocumentStore(EMPTY_DOC) } as unknown as OpenWork;
  const { commands, holds } = EDITORS[editor] ?? { commands: [], holds: false };
  registry.register(appCommands(nothing, nothing));
  registry.register(taskCommands(open, {} as WorkSession, nothing));
  if (stage === "review") registry.register([remarkCommand(nothing)]);
  registry.register(
    compareCommands({ held: holds ? null : nothing, beside: nothing, several: true, other: nothing }),
  );
  registry.register(commands);
  return registry;
}

test.each(cases)("%s in %s: no two commands share keys, none has keys of the browser", (editor, stage) => {
  const registry = everything(editor, stage);
  expect(registry.conflicts()).toEqual([]);
  const ids = registry.snapshot().map(({ id }) => id);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  for (const command of registry.snapshot())
    for (const keys of command.keys) {
      expect(isReserved(keys), `${command.id} ${keys}`).toBe(false);
      // what works while typing must not be what is typed
      if (command.inFields === true) expect(keys).toMatch(/^(Mod|Alt)\+|^F\d/);
    }
});

const PROMISED: readonly (readonly [string, string, string, string])[] = [
  ...["image", "text", "form", "json"].flatMap((editor) => [
    [editor, "label", "Mod+Enter", "task.submit"] as const,
    [editor, "label", "Mod+Space", "task.skip"] as const,
    [editor, "label", "F8", "task.nextIssue"] as const,
    [editor, "label", "Mod+Z", "edit.undo"] as const,
    [editor, "label", "Mod+Shift+Z", "edit.redo"] as const,
    [editor, "label", "Mod+Y", "edit.redo"] as const,
    [editor, "label", "?", "app.keys"] as const,
    [editor, "label", "F1", "app.keys"] as const,
    [editor, "review", "Shift+A", "review.accept"] as const,
    [editor, "review", "Shift+E", "review.fix"] as const,
    [editor, "review", "Shift+X", "review.sendBack"] as const,
    [editor, "review", "I", "review.remark"] as const,
    [editor, "review", "\\", editor === "image" ? "image.before" : "review.before"] as const,
  ]),
  ["image", "label", "Escape", "image.escape"],
  ["image", "label", "Delete", "image.delete"],
  ["image", "label", "Enter", "image.questions"],
  ["image", "label", "N", "image.drawAgain"],
  ["image", "label", "/", "image.searchLabels"],
  ["image", "label", "Tab", "image.next"],
  ["image", "label", "Shift+Tab", "image.previous"],
  ["image", "label", "L", "image.lock"],
  ["image", "label", "Shift+L", "image.lockAll"],
  ["image", "label", "H", "image.hide"],
  ["image", "label", "Shift+H", "image.hideAll"],
  ["image", "label", "Q", "image.occluded"],
  ["image", "label", "G", "image.group"],
  ["image", "label", "Space", "image.pan"],
  ["image", "label", "Shift+1", "image.fit"],
  ["image", "label", "Shift+0", "image.actual"],
  ["image", "label", "Mod+C", "image.copy"],
  ["image", "label", "Mod+V", "image.paste"],
  ["image", "label", "Mod+D", "image.duplicate"],
  ["image", "label", "Alt+R", "image.tool.relate"],
  ["text", "label", "Escape", "edit.deselect"],
  ["text", "label", "Delete", "object.delete"],
  ["text", "label", "/", "label.search"],
  ["text", "label", "Tab", "object.next"],
  ["text", "label", "Shift+Tab", "object.previous"],
  ["text", "label", "Alt+R", "text.link"],
];

test.each(PROMISED)("%s in %s: %s is %s", (editor, stage, keys, id) => {
  const found = everything(editor, stage as "label")
    .snapshot()
    .filter((command) => command.keys.includes(keys));
  expect(found.map((command) => command.id)).toEqual([id]);
});

test.each(["image", "text", "form"])("digits choose labels or answers: %s", (editor) => {
  const found = everything(editor, "label").snapshot();
  for (const digit of editor === "form" ? "123456789" : "1234567890")
    expect(found.filter((command) => command.keys.includes(digit))).toHaveLength(1);
});
