/**
 * The questions about an object, or about the whole task, by keys: a digit answers the one at hand and leads to the next, Enter and Alt with
 * arrows walk on, Escape goes back to the picture or text, and so does the last answer.
 */

import type { KeyboardEvent } from "react";
import { flushSync } from "react-dom";

const CONTROLS = "input:not([type=hidden], :disabled), textarea:not(:disabled), button:not(:disabled)";

const all = (side: ParentNode): HTMLElement[] => [...side.querySelectorAll<HTMLElement>("[data-question]")];

function focus(question: HTMLElement): void {
  question.scrollIntoView({ block: "nearest" });
  (
    question.querySelector<HTMLElement>("input:checked") ?? question.querySelector<HTMLElement>(CONTROLS)
  )?.focus();
}

/** Leads to the first question that is answered wrongly, or that is open; with none of these to the first one. */
export function toQuestion(side: ParentNode | null, which: "wrong" | "open"): void {
  if (side === null) return;
  const questions = all(side);
  const found =
    questions.find((q) => q.dataset.question === "wrong") ??
    (which === "open" ? (questions.find((q) => q.dataset.question === "open") ?? questions[0]) : undefined);
  if (found !== undefined) focus(found);
}

/** Leads to the question after (or before) one; after the last back to where the work is. */
function walk(side: ParentNode, from: HTMLElement, by: 1 | -1, back: () => void): void {
  const questions = all(side);
  const next = questions[questions.indexOf(from) + by];
  if (next !== undefined) focus(next);
  else if (by === 1) back();
}

/** Whether Enter opens a list of choices, from which nothing was chosen yet. */
const opens = (target: HTMLElement): boolean =>
  target.hasAttribute("aria-haspopup") && (target as HTMLInputElement).value === "";

/** What a key does in the panel beside, if it is pressed in one of the questions. */
export function questionKeys(event: KeyboardEvent<HTMLElement>, back: () => void): void {
  if (event.nativeEvent.isComposing || !(event.target instanceof HTMLElement)) return;
  const { currentTarget: side, target, key } = event;
  const question = target.closest<HTMLElement>("[data-question]");
  // an open list of choices has its own keys
  if (question === null || target.getAttribute("aria-expanded") === "true") return;
  const input = target instanceof HTMLInputElement ? target.type : null;
  const chosen = input === "radio" || input === "checkbox";
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const used = (): void => {
    event.preventDefault();
    event.stopPropagation();
  };
  if (event.altKey && (key === "ArrowDown" || key === "ArrowUp")) {
    used();
    walk(side, question, key === "ArrowDown" ? 1 : -1, back);
  } else if (key === "Escape") {
    used();
    back();
  } else if (chosen && plain && /^[0-9]$/.test(key)) {
    used();
    const option = question.querySelectorAll<HTMLInputElement>("input")[(Number(key) + 9) % 10];
    // At once: what is asked next may follow from the answer, and the next digit may be on its way.
    flushSync(() => option?.click());
    if (option?.type === "radio") walk(side, question, 1, back);
  } else if (key === "Enter" && plain && !event.shiftKey && target.tagName !== "BUTTON" && !opens(target)) {
    used();
    walk(side, question, 1, back);
  }
}
