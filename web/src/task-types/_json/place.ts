/** Where in a JSON text the value lies that a path like `annotations[3].label` names; the nearest enclosing one where it is missing. */

export interface Place {
  readonly start: number;
  readonly end: number;
  /** Of the start, from 1. */
  readonly line: number;
}

/** Null where the text is no JSON. */
export function placeOf(text: string, path: string): Place | null {
  const wanted = [...path.matchAll(/[^.[\]]+/g)].map(([part]) => part);
  let at = 0;
  let found: readonly [number, number] | null = null;

  const blank = (): void => {
    while (/\s/.test(text[at] ?? "")) at += 1;
  };
  /** Reads a value; `depth` counts the parts of the path that lead to it, or is -1 beside the path. */
  const value = (depth: number): boolean => {
    blank();
    const start = at;
    const first = text[at];
    let deeper = false;
    if (first === "{" || first === "[") {
      at += 1;
      for (let n = 0; ; n++) {
        blank();
        if (text[at] === (first === "{" ? "}" : "]")) {
          at += 1;
          break;
        }
        let key = String(n);
        if (first === "{") {
          const name = /"(?:[^"\\]|\\.)*"/y;
          name.lastIndex = at;
          const [quoted] = name.exec(text) ?? [];
          if (quoted === undefined) return false;
          key = JSON.parse(quoted) as string;
          at += quoted.length;
          blank();
          if (text[at++] !== ":") return false;
        }
        const leads = depth >= 0 && wanted[depth] === key;
        if (!value(leads ? depth + 1 : -1)) return false;
        deeper ||= leads;
        blank();
        if (text[at] === ",") at += 1;
        else if (text[at] !== "}" && text[at] !== "]") return false;
      }
    } else {
      const plain = /"(?:[^"\\]|\\.)*"|[-\w.+]+/y;
      plain.lastIndex = at;
      const [whole] = plain.exec(text) ?? [];
      if (whole === undefined) return false;
      at += whole.length;
    }
    if (depth >= 0 && !deeper) found = [start, at];
    return true;
  };

  if (!value(0) || found === null) return null;
  const [start, end] = found as readonly [number, number];
  return { start, end, line: text.slice(0, start).split("\n").length };
}
