/** The outlines of an answer's annotations for a small picture of it: pure geometry of the wire, in pixels of the image. */

export interface Outline {
  readonly path: string;
  readonly label: string;
  readonly closed: boolean;
}

type Point = { readonly x: number; readonly y: number };
type Loose = Readonly<Record<string, unknown>>;

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isPoint = (value: unknown): value is Point =>
  typeof value === "object" && value !== null && isNumber((value as Loose).x) && isNumber((value as Loose).y);

const drawn = (points: readonly Point[], closed: boolean): string =>
  `M${points.map((p) => `${p.x} ${p.y}`).join("L")}${closed ? "Z" : ""}`;

const DOT = 3;

function pathOf(annotation: Loose): { path: string; closed: boolean } | null {
  const { type, left, top, width, height, vertices, center } = annotation;
  if (Array.isArray(vertices) && vertices.length > 0 && vertices.every(isPoint)) {
    const closed = type !== "line" && type !== "spline";
    return { path: drawn(vertices, closed), closed };
  }
  if (isNumber(left) && isNumber(top) && isNumber(width) && isNumber(height))
    return { path: `M${left} ${top}h${width}v${height}h${-width}Z`, closed: true };
  const at = isPoint(center) ? center : isPoint(annotation) ? annotation : null;
  if (at === null) return null;
  return { path: `M${at.x - DOT} ${at.y}h${2 * DOT}M${at.x} ${at.y - DOT}v${2 * DOT}`, closed: false };
}

/** What can be drawn of `response.annotations`; empty for answers of another kind. */
export function outlines(response: unknown): Outline[] {
  const list = (response as Loose | null | undefined)?.annotations;
  if (!Array.isArray(list)) return [];
  return list.flatMap((annotation: Loose) => {
    const found = annotation === null || typeof annotation !== "object" ? null : pathOf(annotation);
    return found === null ? [] : [{ ...found, label: String(annotation.label ?? "") }];
  });
}

/** What an answer says in words, for answers of forms: at most `most` lines of `name: value`. */
export function summary(response: unknown, most = 6): [string, string][] {
  if (typeof response !== "object" || response === null || Array.isArray(response)) return [];
  return Object.entries(response)
    .filter(([, value]) => value !== null && value !== "")
    .slice(0, most)
    .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
}
