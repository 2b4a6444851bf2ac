/** A text cut into blocks to be shown one by one, and blocks cut into segments at the borders of spans; pure. */

export interface Block {
  /** UTF-16 range in the text; the line break that ends a block belongs to none. */
  readonly start: number;
  readonly end: number;
}

export interface PlacedSpan {
  readonly id: string;
  /** UTF-16 range. */
  readonly start: number;
  readonly end: number;
  /** Row of its line beneath the text: overlapping spans never share one. */
  readonly lane: number;
}

export interface Segment {
  readonly start: number;
  readonly end: number;
  /** Spans that cover it, in order of their lanes. */
  readonly spans: readonly PlacedSpan[];
  /** Spans that begin, and that end, with this segment. */
  readonly opening: readonly PlacedSpan[];
  readonly closing: readonly PlacedSpan[];
}

const LONGEST = 1500;

/** Blocks of a text: its lines, or its paragraphs where single breaks are shown as blanks; long ones are cut at a blank. */
export function blocksOf(text: string, mergeNewlines: boolean): Block[] {
  const blocks: Block[] = [];
  const separator = mergeNewlines ? /\n[ \t]*\n+/g : /\n/g;
  let start = 0;
  const push = (end: number): void => {
    while (end - start > LONGEST) {
      const blank = text.lastIndexOf(" ", start + LONGEST);
      const cut = blank > start + LONGEST / 2 ? blank + 1 : safeCut(text, start + LONGEST);
      blocks.push({ start, end: cut });
      start = cut;
    }
    blocks.push({ start, end });
  };
  for (const match of text.matchAll(separator)) {
    push(match.index);
    start = match.index + match[0].length;
  }
  push(text.length);
  return blocks;
}

function safeCut(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000 ? at - 1 : at;
}

/** Gives every span the lowest lane that no span overlapping it has; longer spans come first, so that they lie lower. */
export function placeSpans(spans: readonly { id: string; start: number; end: number }[]): PlacedSpan[] {
  const order = [...spans].sort((a, b) => a.start - b.start || b.end - a.end || (a.id < b.id ? -1 : 1));
  const free: number[] = [];
  return order.map((span) => {
    let lane = free.findIndex((end) => end <= span.start);
    if (lane < 0) lane = free.length;
    free[lane] = span.end;
    return { ...span, lane };
  });
}

/** Which spans touch which block: their places in the sorted list, by block. */
export function spansByBlock(
  blocks: readonly Block[],
  spans: readonly PlacedSpan[],
): ReadonlyMap<number, PlacedSpan[]> {
  const found = new Map<number, PlacedSpan[]>();
  for (const span of spans) {
    for (let i = blockAt(blocks, span.start); i < blocks.length; i++) {
      const block = blocks[i];
      if (block === undefined || block.start >= span.end) break;
      if (block.end <= span.start) continue;
      const list = found.get(i);
      if (list === undefined) found.set(i, [span]);
      else list.push(span);
    }
  }
  return found;
}

/** The block that holds a UTF-16 offset, or the last one before it. */
export function blockAt(blocks: readonly Block[], offset: number): number {
  let low = 0;
  let high = blocks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((blocks[middle]?.start ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A block in segments with the same spans all over. `extra` are further places to cut at (a cursor's ends). */
export function segmentsOf(
  block: Block,
  spans: readonly PlacedSpan[],
  extra: readonly number[] = [],
): Segment[] {
  const cuts = new Set([block.start, block.end]);
  for (const at of [...spans.flatMap((s) => [s.start, s.end]), ...extra])
    if (at > block.start && at < block.end) cuts.add(at);
  const places = [...cuts].sort((a, b) => a - b);
  const segments: Segment[] = [];
  for (let i = 0; i + 1 < places.length; i++) {
    const start = places[i] ?? 0;
    const end = places[i + 1] ?? 0;
    const over = spans.filter((s) => s.start < end && s.end > start).sort((a, b) => a.lane - b.lane);
    segments.push({
      start,
      end,
      spans: over,
      opening: over.filter((s) => s.start === start),
      closing: over.filter((s) => s.end === end),
    });
  }
  return segments;
}
