import type { KeyboardEvent as ReactKeyboardEvent } from "react";
import { beforeEach, expect, test, vi } from "vitest";
import { questionKeys, toQuestion } from "./questions";

const PANEL = `
  <div data-question="done"><input type="radio" name="a" id="no" checked><input type="radio" name="a" id="yes"></div>
  <div data-question="open"><input type="checkbox" id="dent"><input type="checkbox" id="rust"></div>
  <div data-question="open"><textarea id="note"></textarea></div>
  <div data-question="open"><input type="text" id="kind" aria-haspopup="listbox"></div>`;

let side: HTMLElement;
const back = vi.fn();
const id = () => document.activeElement?.id;

/** Presses keys where the focus is; whether the panel had a use for each. */
function press(...keys: string[]): boolean[] {
  return keys.map((named) => {
    const parts = named.split("+");
    const event = new KeyboardEvent("keydown", {
      key: parts.at(-1) ?? "",
      altKey: parts.includes("Alt"),
      shiftKey: parts.includes("Shift"),
      ctrlKey: parts.includes("Ctrl"),
      bubbles: true,
      cancelable: true,
    });
    const target = document.activeElement ?? side;
    questionKeys(
      {
        ...{
          key: event.key,
          altKey: event.altKey,
          shiftKey: event.shiftKey,
          ctrlKey: event.ctrlKey,
          metaKey: false,
        },
        ...{ target, currentTarget: side, nativeEvent: event },
        preventDefault: () => event.preventDefault(),
        stopPropagation: () => undefined,
      } as unknown as ReactKeyboardEvent<HTMLElement>,
      back,
    );
    return event.defaultPrevented;
  });
}

beforeEach(() => {
  back.mockClear();
  document.body.innerHTML = `<aside>${PANEL}</aside>`;
  side = document.querySelector("aside") as HTMLElement;
});

test("the way to the questions leads to the first wrong one, else to the first open one, else to the first", () => {
  toQuestion(side, "open");
  expect(id()).toBe("dent");
  side.querySelector("#note")?.parentElement?.setAttribute("data-question", "wrong");
  toQuestion(side, "wrong");
  expect(id()).toBe("note");
  for (const question of side.querySelectorAll("[data-question]"))
    question.setAttribute("data-question", "done");
  toQuestion(side, "wrong");
  expect(id()).toBe("note");
  toQuestion(side, "open");
  expect(id()).toBe("no");
});

test("a digit answers the question at hand; one answer leads on, of several each is a choice", () => {
  side.querySelector<HTMLElement>("#no")?.focus();
  press("2");
  expect(side.querySelector<HTMLInputElement>("#yes")?.checked).toBe(true);
  expect(id()).toBe("dent");
  press("1", "2", "1");
  const checked = [...side.querySelectorAll<HTMLInputElement>("[type=checkbox]")].map((box) => box.checked);
  expect(checked).toEqual([false, true]);
  expect(id()).toBe("dent");
  // a digit that is no choice changes nothing
  expect(press("7")).toEqual([true]);
  expect(id()).toBe("dent");
});

test("Enter and Alt with arrows walk, the last answer and Escape lead back to the canvas", () => {
  side.querySelector<HTMLElement>("#no")?.focus();
  press("Enter", "Enter");
  expect(id()).toBe("note");
  // what is typed is typed
  expect(press("1", "Shift+Enter", "Ctrl+Enter")).toEqual([false, false, false]);
  press("Enter");
  expect(id()).toBe("kind");
  // a list of choices opens by Enter until something was chosen, and has its own keys while it is open
  expect(press("Enter")).toEqual([false]);
  const kind = side.querySelector<HTMLInputElement>("#kind");
  kind?.setAttribute("aria-expanded", "true");
  expect(press("Escape", "Enter")).toEqual([false, false]);
  kind?.setAttribute("aria-expanded", "false");
  press("Alt+ArrowUp", "Alt+ArrowUp");
  expect(id()).toBe("dent");
  press("Alt+ArrowDown", "Alt+ArrowDown");
  if (kind) kind.value = "oak";
  expect(back).not.toHaveBeenCalled();
  press("Enter");
  expect(back).toHaveBeenCalledTimes(1);
  press("Escape");
  expect(back).toHaveBeenCalledTimes(2);
});
