/**
 * Offsets of a text: on the wire they count Unicode code points (task-types-text §2), in the browser UTF-16 units. Selections are widened to whole
 * grapheme clusters, so that nobody labels half a letter with its accents.
 */

export class TextIndex {
  /** UTF-16 positions of the characters that take two units. */
  readonly #pairs: readonly number[];

  constructor(readonly text: string) {
    const pairs: number[] = [];
    for (let i = 0; i < text.length - 1; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0xd800 && unit < 0xdc00 && isLow(text.charCodeAt(i + 1))) pairs.push(i++);
    }
    this.#pairs = pairs;
  }

  /** Code points in the whole text. */
  get length(): number {
    return this.text.length - this.#pairs.length;
  }

  /** UTF-16 offset → code points before it; an offset inside a pair counts as before the pair. */
  point(unit: number): number {
    return unit - below(this.#pairs, unit, (pair) => pair + 1);
  }

  /** Code point offset → UTF-16 offset. */
  unit(point: number): number {
    return point + below(this.#pairs, point, (pair, i) => pair - i + 1);
  }

  slice(start: number, end: number): string {
    return this.text.slice(this.unit(start), this.unit(end));
  }
}

const isLow = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;

/** How many of the sorted values, each seen through `at`, are at most `limit`. */
function below(sorted: readonly number[], limit: number, at: (value: number, i: number) => number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(sorted[middle] ?? 0, middle) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const words = new Intl.Segmenter(undefined, { granularity: "word" });
const AROUND = 64;

/** A UTF-16 range widened to whole graphemes and, unless `exact`, freed of blanks at its ends. Null when nothing is left. */
export function tidy(text: string, from: number, to: number, exact = false): [number, number] | null {
  let [start, end] = from <= to ? [from, to] : [to, from];
  if (!exact) {
    while (start < end && /\s/.test(text[start] ?? "")) start += 1;
    while (end > start && /\s/.test(text[end - 1] ?? "")) end -= 1;
  }
  if (start >= end) return null;
  start = boundary(text, start, -1);
  end = boundary(text, end, 1);
  return [start, end];
}

function boundary(text: string, at: number, direction: -1 | 1): number {
  if (at <= 0 || at >= text.length) return Math.max(0, Math.min(at, text.length));
  const from = Math.max(0, at - AROUND);
  for (const { index, segment } of graphemes.segment(text.slice(from, at + AROUND))) {
    const start = from + index;
    const end = start + segment.length;
    // the first cluster of the window may be cut by the window itself
    if (start < at && at < end) return direction < 0 ? start : end;
    if (start >= at) break;
  }
  return at;
}

/** The words (and single signs) of a stretch of text, as UTF-16 ranges, without blanks. */
export function wordsOf(text: string, from: number, to: number): [number, number][] {
  const found: [number, number][] = [];
  for (const { index, segment } of words.segment(text.slice(from, to)))
    if (segment.trim() !== "") found.push([from + index, from + index + segment.length]);
  return found;
}

/** The next grapheme boundary after or before an offset. */
export function stepGrapheme(text: string, at: number, direction: -1 | 1): number {
  const from = Math.max(0, at - AROUND);
  let last = from;
  for (const { index } of graphemes.segment(text.slice(from, at + AROUND))) {
    const start = from + index;
    if (direction > 0 && start > at) return start;
    if (direction < 0 && start >= at) return last;
    last = start;
  }
  return direction > 0 ? Math.min(text.length, at + AROUND) : last < at ? last : from;
}
