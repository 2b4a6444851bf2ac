import { useVirtualizer } from "@tanstack/react-virtual";
import { forwardRef, type PointerEvent, useEffect, useImperativeHandle, useMemo, useRef } from "react";
import { type Arc, Arcs } from "./Arcs";
import { type Block, blockAt, type PlacedSpan, type Segment, segmentsOf, spansByBlock } from "./layout";
import "./text.css";

export interface Look {
  readonly color: string;
  readonly name: string;
  /** Shown dashed: a pre-label that nobody has accepted. */
  readonly proposed: boolean;
  /** Difference to the earlier answer, in review. */
  readonly change?: "added" | "changed" | "removed" | undefined;
}

export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface TextViewProps {
  readonly text: string;
  readonly label: string;
  readonly blocks: readonly Block[];
  readonly mergeNewlines: boolean;
  readonly spans: readonly PlacedSpan[];
  readonly look: (id: string) => Look;
  readonly selection: ReadonlySet<string>;
  /** What is marked and not labeled yet, in UTF-16 units. */
  readonly cursor: Range | null;
  readonly arcs: readonly Arc[];
  readonly onMark: (from: number, to: number, exact: boolean) => void;
  readonly onPick: (id: string | null, extend: boolean, at: number) => void;
}

export interface TextViewHandle {
  /** Brings an offset onto the screen. */
  show(offset: number): void;
  focus(): void;
}

const LANE_PX = 4;
const LINE_PX = 30;

/** The text with its spans: blocks are made only where they can be seen, spans are lines beneath the words, one lane for each that overlaps. */
export const TextView = forwardRef<TextViewHandle, TextViewProps>(function TextView(props, ref) {
  const { text, blocks, spans, cursor, onMark, onPick } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const byBlock = useMemo(() => spansByBlock(blocks, spans), [blocks, spans]);
  const virtual = useVirtualizer({
    count: blocks.length,
    getScrollElement: () => scroller.current,
    estimateSize: (i) =>
      LINE_PX * Math.max(1, Math.ceil(((blocks[i]?.end ?? 0) - (blocks[i]?.start ?? 0)) / 95)) + 6,
    overscan: 8,
  });
  useImperativeHandle(ref, () => ({
    show: (offset) => {
      const place = scroller.current?.querySelector(`[data-block="${blockAt(blocks, offset)}"]`);
      const box = scroller.current?.getBoundingClientRect();
      const rect = place?.getBoundingClientRect();
      if (rect !== undefined && box !== undefined && rect.top >= box.top && rect.bottom <= box.bottom) return;
      virtual.scrollToIndex(blockAt(blocks, offset), { align: "center" });
    },
    focus: () => scroller.current?.focus({ preventScroll: true }),
  }));

  function released(event: PointerEvent): void {
    if (event.button !== 0) return;
    const picked = window.getSelection();
    const range = picked !== null && picked.rangeCount > 0 ? picked.getRangeAt(0) : null;
    if (picked !== null && range !== null && !picked.isCollapsed) {
      const [from, to] = [
        offsetOf(range.startContainer, range.startOffset),
        offsetOf(range.endContainer, range.endOffset),
      ];
      picked.removeAllRanges();
      if (from !== null && to !== null) {
        onMark(from, to, event.altKey);
        return;
      }
    }
    const at = range === null ? null : offsetOf(range.startContainer, range.startOffset);
    const element = (event.target as Element).closest<HTMLElement>("[data-o]");
    const offset = at ?? Number(element?.dataset.o ?? 0);
    const ids = element?.dataset.spans?.split(" ").filter((id) => id !== "") ?? [];
    onPick(ids.at(-1) ?? null, event.shiftKey, offset);
  }

  return (
    <div
      ref={scroller}
      className="steelyard-text"
      data-canvas
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls and takes the keyboard
      tabIndex={0}
      role="application"
      aria-label={props.label}
      onPointerUp={released}
    >
      <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {virtual.getVirtualItems().map((item) => {
          const block = blocks[item.index];
          return block === undefined ? null : (
            <div
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              data-block={item.index}
              dir="auto"
              className="steelyard-text-block"
              style={{ transform: `translateY(${item.start}px)` }}
            >
              {block.start === block.end ? (
                <span data-o={block.start}>{"\u200b"}</span>
              ) : (
                segmentsOf(
                  block,
                  byBlock.get(item.index) ?? [],
                  cursor === null ? [] : [cursor.start, cursor.end],
                ).map((segment) => <Piece key={segment.start} segment={segment} view={props} text={text} />)
              )}
            </div>
          );
        })}
        <Arcs arcs={props.arcs} within={scroller} version={virtual.getVirtualItems()} />
      </div>
    </div>
  );
});

function Piece({
  segment,
  view,
  text,
}: {
  readonly segment: Segment;
  readonly view: TextViewProps;
  readonly text: string;
}) {
  const { cursor, look, selection } = view;
  const shown = text.slice(segment.start, segment.end);
  const marked = cursor !== null && cursor.start < segment.end && cursor.end > segment.start;
  const lines = segment.spans.map((span) => {
    const { color, proposed } = look(span.id);
    const paint = proposed
      ? `repeating-linear-gradient(90deg, ${color} 0 5px, transparent 5px 8px)`
      : `linear-gradient(${color}, ${color})`;
    return `${paint} 0 calc(100% - ${span.lane * LANE_PX}px) / 100% 3px no-repeat`;
  });
  const top = segment.spans.find((span) => selection.has(span.id)) ?? segment.spans.at(-1);
  const fill = top === undefined ? [] : [tint(look(top.id).color, selection.has(top.id) ? 38 : 14)];
  const change = segment.spans.map((span) => look(span.id).change).find((c) => c !== undefined);
  return (
    <>
      <span
        data-o={segment.start}
        data-spans={segment.spans.map((span) => span.id).join(" ")}
        data-marked={marked || undefined}
        data-selected={segment.spans.some((span) => selection.has(span.id)) || undefined}
        data-change={change}
        style={lines.length > 0 ? { background: [...lines, ...fill].join(", ") } : undefined}
      >
        {view.mergeNewlines ? shown.replaceAll("\n", " ") : shown}
      </span>
      {segment.closing.map((span) => (
        <span
          key={span.id}
          className="steelyard-span-name"
          data-name={look(span.id).name}
          style={{ borderColor: look(span.id).color }}
          aria-hidden
        />
      ))}
    </>
  );
}

const tint = (color: string, percent: number): string =>
  `linear-gradient(color-mix(in srgb, ${color} ${percent}%, transparent) 0 0)`;

/** The UTF-16 offset in the text of a place in the page, or null outside of it. */
function offsetOf(node: Node, offset: number): number | null {
  if (node.nodeType === Node.TEXT_NODE) {
    const piece = node.parentElement?.closest<HTMLElement>("[data-o]");
    if (piece === null || piece === undefined) return null;
    return Number(piece.dataset.o) + (piece.textContent === "\u200b" ? 0 : offset);
  }
  // between pieces: the end of the one before, or the start of the one after
  const element = node as Element;
  const after = element.childNodes[offset];
  const next =
    after instanceof Element ? (after.matches("[data-o]") ? after : after.querySelector("[data-o]")) : null;
  if (next instanceof HTMLElement && next.dataset.o !== undefined) return Number(next.dataset.o);
  const own = element.closest<HTMLElement>("[data-o]");
  if (own !== null) return Number(own.dataset.o) + (offset > 0 ? (own.textContent ?? "").length : 0);
  for (let i = offset - 1; i >= 0; i--) {
    const before = element.childNodes[i];
    if (before instanceof HTMLElement && before.dataset.o !== undefined)
      return Number(before.dataset.o) + (before.textContent ?? "").length;
  }
  return null;
}

/** Keeps a value in step with the screen: called after each change of selection. */
export function useShown(handle: React.RefObject<TextViewHandle | null>, offset: number | null): void {
  useEffect(() => {
    if (offset !== null) handle.current?.show(offset);
  }, [handle, offset]);
}
