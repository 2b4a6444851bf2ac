import { beforeEach, expect, type Mock, test, vi } from "vitest";
import type { Command } from "./command";
import { canonical, isReserved, keysOf, shown } from "./keys";
import { CommandRegistry, type KeyMap } from "./registry";

const press = (
  init: KeyboardEventInit & { key: string; code: string },
  target: EventTarget = document.body,
) => {
  const event = new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init });
  target.dispatchEvent(event);
  return event;
};
const command = (
  id: string,
  keys: string[],
  more: Partial<Command> = {},
): Command & { run: Mock<() => void> } => ({
  id,
  group: "edit",
  keys,
  ...more,
  run: vi.fn<() => void>(),
});

beforeEach(() => {
  localStorage.clear();
  document.body.innerHTML = "";
});

test("keys have one spelling, whatever the order of modifiers and the case of letters", () => {
  expect(canonical("Shift+Mod+z")).toBe("Mod+Shift+Z");
  expect(canonical("+")).toBe("+");
  expect(canonical("Mod++")).toBe("Mod++");
});

test("a shortcut is found by the key's place where the layout types other letters", () => {
  const event = new KeyboardEvent("keydown", { key: "я", code: "KeyZ", ctrlKey: true });
  expect(keysOf(event)).toContain("Mod+Z");
});

test("signs are matched by what they type, with or without Shift", () => {
  expect(keysOf(new KeyboardEvent("keydown", { key: "?", code: "Slash", shiftKey: true }))).toContain("?");
});

test("what browsers keep for themselves is told", () => {
  expect(isReserved("Mod+W")).toBe(true);
  expect(isReserved("Alt+ArrowLeft")).toBe(true);
  expect(isReserved("Mod+Enter")).toBe(false);
  expect(shown("Mod+Shift+ArrowLeft")).toBe("Ctrl+Shift+←");
});

test("a command runs by its keys, and not while text is typed unless it says so", () => {
  const registry = new CommandRegistry();
  const plain = command("draw", ["N"]);
  const submit = command("submit", ["Mod+Enter"], { inFields: true });
  const help = command("help", ["?", "F1"]);
  registry.register([plain, submit, help]);
  const stop = registry.listen(window);
  const field = document.body.appendChild(document.createElement("input"));
  press({ key: "n", code: "KeyN" });
  press({ key: "n", code: "KeyN" }, field);
  const event = press({ key: "Enter", code: "Enter", ctrlKey: true }, field);
  expect(plain.run).toHaveBeenCalledTimes(1);
  expect(submit.run).toHaveBeenCalledTimes(1);
  expect(event.defaultPrevented).toBe(true);
  // a sign is text, a function key is not
  press({ key: "?", code: "Slash", shiftKey: true }, field);
  expect(help.run).toHaveBeenCalledTimes(0);
  press({ key: "F1", code: "F1" }, field);
  expect(help.run).toHaveBeenCalledTimes(1);
  stop();
  press({ key: "n", code: "KeyN" });
  expect(plain.run).toHaveBeenCalledTimes(1);
});

test("why a command cannot run is told once, however long its keys are held", () => {
  const registry = new CommandRegistry();
  const told: string[] = [];
  registry.onRefused = (why) => told.push(why);
  registry.register([
    command("delete", ["Delete"], { available: () => "selectFirst" }),
    command("draw", ["N"]),
  ]);
  const stop = registry.listen(window);
  press({ key: "Delete", code: "Delete" });
  press({ key: "Delete", code: "Delete", repeat: true });
  press({ key: "n", code: "KeyN" });
  expect(told).toEqual(["selectFirst"]);
  stop();
});

test("a command that is not available does not run and its keys do nothing else", () => {
  const registry = new CommandRegistry();
  const undo = command("undo", ["Mod+Z"], { available: () => "edit.nothingToUndo" });
  registry.register([undo]);
  registry.listen(window);
  expect(press({ key: "z", code: "KeyZ", ctrlKey: true }).defaultPrevented).toBe(true);
  expect(undo.run).not.toHaveBeenCalled();
});

test("letters typed before a dialog has the focus go into its field and run nothing", () => {
  const registry = new CommandRegistry();
  const [palette, draw] = [command("palette", ["Mod+K"], { opensDialog: true }), command("draw", ["N"])];
  registry.register([palette, draw]);
  const stop = registry.listen(window);
  const written: string[] = [];
  document.execCommand = (_: string, __?: boolean, text?: string) => written.push(text ?? "") > 0;
  press({ key: "k", code: "KeyK", ctrlKey: true });
  for (const key of ["N", "x", "Backspace", "o"]) press({ key, code: "" });
  const dialog = document.body.appendChild(document.createElement("div"));
  dialog.role = "dialog";
  dialog.appendChild(document.createElement("input")).focus();
  expect(draw.run).not.toHaveBeenCalled();
  expect(written).toEqual(["No"]);
  dialog.remove();
  press({ key: "n", code: "KeyN" });
  expect(draw.run).toHaveBeenCalledTimes(1);
  stop();
});

test("a dialog that does not come takes no keys away for longer than a second, nor after Escape", () => {
  const registry = new CommandRegistry();
  const [palette, draw] = [command("palette", ["Mod+K"], { opensDialog: true }), command("draw", ["N"])];
  registry.register([palette, draw]);
  const stop = registry.listen(window);
  const clock = vi.spyOn(performance, "now").mockReturnValue(0);
  press({ key: "k", code: "KeyK", ctrlKey: true });
  clock.mockReturnValue(1001);
  press({ key: "n", code: "KeyN" });
  expect(draw.run).toHaveBeenCalledTimes(1);
  press({ key: "k", code: "KeyK", ctrlKey: true });
  press({ key: "Escape", code: "Escape" });
  press({ key: "n", code: "KeyN" });
  expect(draw.run).toHaveBeenCalledTimes(2);
  clock.mockRestore();
  stop();
});

test("own keys replace the defaults, survive a reload, and go back", () => {
  const registry = new CommandRegistry();
  const draw = command("draw", ["N"]);
  registry.register([draw]);
  registry.setKeys("draw", ["Shift+d"]);
  expect(new CommandRegistry().keysOf(draw)).toEqual(["Shift+D"]);
  registry.setKeys("draw", null);
  expect(registry.keysOf(draw)).toEqual(["N"]);
});

test("keys that another command has, or the browser, are refused with the reason", () => {
  const registry = new CommandRegistry();
  const [a, b] = [command("a", ["A"]), command("b", ["B"], { inFields: true })];
  registry.register([a, b]);
  expect(registry.objection(a, "b")).toBe(b);
  expect(registry.objection(a, "Mod+T")).toBe("reserved");
  expect(registry.objection(b, "X")).toBe("plain");
  expect(registry.objection(a, "X")).toBeNull();
  expect(registry.conflicts()).toEqual([]);
});

test("stored keys of a wrong form are not taken", () => {
  localStorage.setItem("steelyard.keys", '{"draw": "<img src=x>", "x": [1], "ok": ["K"]}');
  const registry = new CommandRegistry();
  expect(registry.keysOf(command("draw", ["N"]))).toEqual(["N"]);
  expect(registry.keysOf(command("ok", ["N"]))).toEqual(["K"]);
});

test("own keys follow a person to other devices; what could not be sent goes first the next time", async () => {
  let kept: KeyMap = { draw: ["D"] };
  let down = false;
  const store = {
    load: async () => kept,
    save: async (keys: KeyMap) => {
      if (down) throw new Error("no connection");
      kept = keys;
    },
  };
  const draw = command("draw", ["N"]);
  const first = new CommandRegistry();
  await first.keepIn(store);
  expect(first.keysOf(draw)).toEqual(["D"]);
  down = true;
  first.setKeys("draw", ["E"]);
  await Promise.resolve();
  expect(kept).toEqual({ draw: ["D"] });
  down = false;
  await new CommandRegistry().keepIn(store);
  expect(kept).toEqual({ draw: ["E"] });
  localStorage.clear(); // another device
  const other = new CommandRegistry();
  await other.keepIn(store);
  expect(other.keysOf(draw)).toEqual(["E"]);
  other.resetKeys();
  await vi.waitFor(() => expect(kept).toEqual({}));
});
