/** The one list of commands that are there now, with everybody's own keys laid over the defaults, and the keyboard that runs them. */

import type { Command } from "./command";
import { canonical, isReserved, keysOf } from "./keys";

const STORED = "steelyard.keys";
/** Set while this device has own keys that the server has not taken yet. */
const UNSENT = "steelyard.keys.unsent";

/** How long letters wait for a dialog that was asked for; one that does not come takes no keys away. */
const DIALOG_COMES_MS = 1000;

/** Own keys by command id; an empty list takes a command off the keyboard. */
export type KeyMap = Readonly<Record<string, readonly string[]>>;

/** Where a person's own keys are kept for all their devices. */
export interface KeyStore {
  load(): Promise<KeyMap>;
  save(keys: KeyMap): Promise<void>;
}

function stored(): KeyMap {
  try {
    const given: unknown = JSON.parse(localStorage.getItem(STORED) ?? "{}");
    if (typeof given !== "object" || given === null) return {};
    const lists = Object.entries(given).filter(
      (entry): entry is [string, string[]] =>
        Array.isArray(entry[1]) && entry[1].every((k) => typeof k === "string" && k.length < 40),
    );
    return Object.fromEntries(lists);
  } catch {
    return {};
  }
}

export class CommandRegistry {
  #sets = new Map<symbol, readonly Command[]>();
  #keyMap: KeyMap = stored();
  #store: KeyStore | null = null;
  #listeners = new Set<() => void>();
  #snapshot: readonly Command[] = [];
  #held = new Map<string, Command>();
  /** What was typed since a dialog was asked for; null while none is on its way. */
  #typed: string | null = null;
  #dialogComesUntil = 0;
  /** Hears why a command whose keys were pressed cannot run now: a message's key. */
  onRefused: ((why: string) => void) | null = null;

  /** Adds commands until the returned function is called; a later set goes before earlier ones where keys are equal. */
  register = (commands: readonly Command[]): (() => void) => {
    const mark = Symbol();
    this.#sets.set(mark, commands);
    this.#changed();
    return () => {
      this.#sets.delete(mark);
      this.#changed();
    };
  };

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  snapshot = (): readonly Command[] => this.#snapshot;

  keysOf(command: Command): readonly string[] {
    return this.#keyMap[command.id] ?? command.keys;
  }

  /** Own keys for a command; null goes back to the default. Raises nothing: what is reserved or taken is told by `objection`. */
  setKeys(id: string, keys: readonly string[] | null): void {
    const next = { ...this.#keyMap };
    if (keys === null) delete next[id];
    else next[id] = keys.map(canonical);
    this.#own(next);
  }

  resetKeys(): void {
    this.#own({});
  }

  /** Takes a person's keys from where they are kept, and sends changes there; what could not be sent goes first the next time. */
  async keepIn(store: KeyStore): Promise<void> {
    this.#store = store;
    if (localStorage.getItem(UNSENT) !== null) {
      await this.#send();
      return;
    }
    const keys = await store.load().catch(() => null);
    // changed while the answer was on its way
    if (keys === null || localStorage.getItem(UNSENT) !== null) return;
    localStorage.setItem(STORED, JSON.stringify(keys));
    this.#keyMap = stored();
    this.#changed();
  }

  #own(keys: KeyMap): void {
    this.#keyMap = keys;
    localStorage.setItem(STORED, JSON.stringify(keys));
    localStorage.setItem(UNSENT, "1");
    this.#changed();
    void this.#send();
  }

  async #send(): Promise<void> {
    const sent = this.#keyMap;
    try {
      if (this.#store === null) return;
      await this.#store.save(sent);
      if (sent === this.#keyMap) localStorage.removeItem(UNSENT);
    } catch {
      // it stays marked, and is sent the next time
    }
  }

  /** Why a command cannot have some keys: the browser keeps them, or another command (returned) has them. */
  objection(command: Command, keys: string): "reserved" | "plain" | Command | null {
    if (isReserved(keys)) return "reserved";
    if (command.inFields === true && !/^(Mod|Ctrl|Alt)\+|^F\d+$|^Escape$/.test(canonical(keys)))
      return "plain";
    return this.#snapshot.find((c) => c.id !== command.id && this.#has(c, keys)) ?? null;
  }

  /** Pairs of commands that share keys; none may exist (a test looks). */
  conflicts(): [string, string, string][] {
    const seen = new Map<string, string>();
    const found: [string, string, string][] = [];
    for (const command of this.#snapshot)
      for (const keys of this.keysOf(command).map(canonical)) {
        const other = seen.get(keys);
        if (other !== undefined && other !== command.id) found.push([keys, other, command.id]);
        seen.set(keys, command.id);
      }
    return found;
  }

  run(id: string): boolean {
    const command = this.#snapshot.find((c) => c.id === id);
    if (command === undefined || (command.available?.() ?? true) !== true) return false;
    this.#run(command);
    return true;
  }

  /** Listens on a window until the returned function is called. */
  listen(target: Window): () => void {
    const down = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing || inDialog(event.target)) return;
      if (this.#keptForDialog(event)) return;
      const names = keysOf(event);
      const typing = isField(event.target);
      for (const name of names) {
        // keys like F1 type nothing
        const anywhere = !typing || /^F\d+$/.test(name);
        const command = this.#snapshot.find((c) => this.#has(c, name) && (anywhere || c.inFields === true));
        if (command === undefined) continue;
        if (!typing && isPressable(event.target, name)) return;
        event.preventDefault();
        if (event.repeat && command.repeats !== true) return;
        const why = command.available?.() ?? true;
        if (why !== true) {
          if (!event.repeat) this.onRefused?.(why);
          return;
        }
        if (command.release !== undefined) this.#held.set(event.code, command);
        this.#run(command);
        return;
      }
    };
    const focused = (event: FocusEvent): void => {
      if (this.#typed === null || !inDialog(event.target)) return;
      const typed = this.#typed;
      this.#typed = null;
      // the one way to write into a field as if it were typed, so that the page's own listeners hear of it
      if (typed !== "" && isField(event.target)) document.execCommand("insertText", false, typed);
    };
    const up = (event: KeyboardEvent): void => {
      this.#held.get(event.code)?.release?.();
      this.#held.delete(event.code);
    };
    const left = (): void => {
      for (const command of this.#held.values()) command.release?.();
      this.#held.clear();
    };
    target.addEventListener("keydown", down);
    target.addEventListener("keyup", up);
    target.addEventListener("blur", left);
    target.addEventListener("focusin", focused);
    return () => {
      target.removeEventListener("keydown", down);
      target.removeEventListener("keyup", up);
      target.removeEventListener("blur", left);
      target.removeEventListener("focusin", focused);
    };
  }

  #run(command: Command): void {
    if (command.opensDialog === true) {
      this.#typed = "";
      this.#dialogComesUntil = performance.now() + DIALOG_COMES_MS;
    }
    command.run();
  }

  /** Takes a key that was pressed between asking for a dialog and its having the focus. */
  #keptForDialog(event: KeyboardEvent): boolean {
    if (this.#typed === null) return false;
    if (event.key === "Escape" || performance.now() > this.#dialogComesUntil) {
      this.#typed = null;
      return false;
    }
    event.preventDefault();
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && [...event.key].length === 1) this.#typed += event.key;
    if (event.key === "Backspace") this.#typed = this.#typed.slice(0, -1);
    return true;
  }

  #has(command: Command, keys: string): boolean {
    const wanted = canonical(keys);
    return this.keysOf(command).some((k) => canonical(k) === wanted);
  }

  #changed(): void {
    this.#snapshot = [...this.#sets.values()].reverse().flat();
    for (const listener of this.#listeners) listener();
  }
}

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (
    target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  )
    return true;
  return (
    target instanceof HTMLInputElement &&
    !["checkbox", "radio", "range", "button", "submit", "color"].includes(target.type)
  );
}

/** A focused button or link does what its own keys say, a radio group moves by arrows, Tab walks through controls outside the canvas. */
function isPressable(target: EventTarget | null, keys: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (
    (keys === "Enter" || keys === "Space") &&
    target.closest(
      "button, a[href], summary, [role=button], [role=option], [role=tab], [role=menuitem], input",
    ) !== null
  )
    return true;
  if (/^(Shift\+)?Tab$/.test(keys))
    return target.closest("[data-canvas]") === null && target !== document.body;
  return (
    keys.startsWith("Arrow") &&
    target.closest(
      "input, [role=listbox], [role=tablist], [role=menu], [role=radiogroup], [role=slider], [role=tree]",
    ) !== null
  );
}

function inDialog(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("[role=dialog], [role=alertdialog]") !== null;
}
