/** Keys as text (`Mod+Shift+Z`, `?`, `F1`): reading them from events, showing them, and telling which a browser keeps for itself. */

const MODIFIERS = ["Mod", "Ctrl", "Alt", "Shift"] as const;

export const isMac = (): boolean => /Mac|iPhone|iPad/.test(navigator.platform);

/** What browsers and systems do not give away, or should not be taken from people: tabs, windows, reload, address, history, zoom, screen. */
const RESERVED = new Set(
  [
    ..."WTNRLPQ".split("").map((k) => `Mod+${k}`),
    ..."WTNRIJC".split("").map((k) => `Mod+Shift+${k}`),
    "Alt+ArrowLeft",
    "Alt+ArrowRight",
    "Alt+Tab",
    "Alt+F4",
    "Mod+Tab",
    "Mod+Shift+Tab",
    "Mod+0",
    "Mod+=",
    "Mod+-",
    "F5",
    "F11",
    "F12",
  ].map(canonical),
);

export function isReserved(keys: string): boolean {
  return RESERVED.has(canonical(keys));
}

/** One spelling of equal keys: modifiers in order, letters in upper case. */
export function canonical(keys: string): string {
  const parts = keys === "+" ? ["+"] : keys.split(/(?<!^)\+(?=.)/);
  const key = parts.at(-1) ?? "";
  const held = new Set(parts.slice(0, -1));
  return [...MODIFIERS.filter((m) => held.has(m)), key.length === 1 ? key.toUpperCase() : key].join("+");
}

/**
 * The spellings that an event may match, the most exact first. Letters and digits are also taken from the key's place, so that `Mod+Z` works
 * on a Cyrillic layout; signs are taken by what they type, whatever Shift does for them.
 */
export function keysOf(event: KeyboardEvent): string[] {
  const mod = isMac() ? event.metaKey : event.ctrlKey;
  const modifiers = [mod && "Mod", isMac() && event.ctrlKey && "Ctrl", event.altKey && "Alt"].filter(Boolean);
  const names: string[] = [];
  const typed = event.key === " " ? "Space" : event.key === "Dead" ? "" : event.key;
  const place = /^(?:Key([A-Z])|Digit([0-9])|Numpad([0-9]))$/.exec(event.code);
  const placed = place?.[1] ?? place?.[2] ?? place?.[3];
  const shift = event.shiftKey ? ["Shift"] : [];
  for (const key of [typed, placed]) {
    if (key === undefined || key === "" || MODIFIER_KEYS.has(key)) continue;
    names.push(canonical([...modifiers, ...shift, key].join("+")));
    // `?` is Shift and another key on most keyboards: it is written without Shift
    if (event.shiftKey && key.length === 1 && !/[a-z0-9]/i.test(key))
      names.push(canonical([...modifiers, key].join("+")));
  }
  return [...new Set(names)];
}

const MODIFIER_KEYS = new Set(["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock"]);

const SIGNS: Record<string, string> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  Delete: "Del",
  Backspace: "⌫",
  Enter: "↵",
};

/** Keys as people read them. */
export function shown(keys: string): string {
  const mac = isMac();
  return canonical(keys)
    .split(/(?<!^)\+(?=.)/)
    .map((part) =>
      part === "Mod" ? (mac ? "⌘" : "Ctrl") : part === "Alt" && mac ? "⌥" : (SIGNS[part] ?? part),
    )
    .join(mac ? "" : "+");
}
