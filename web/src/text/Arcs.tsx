import { type RefObject, useLayoutEffect, useState } from "react";

export interface Arc {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly directed: boolean;
  readonly selected: boolean;
}

interface Drawn extends Arc {
  readonly d: string;
  readonly x: number;
  readonly y: number;
}

interface Props {
  readonly arcs: readonly Arc[];
  readonly within: RefObject<HTMLElement | null>;
  /** Anything that changes when the pieces on the screen do. */
  readonly version: unknown;
}

/** Relations as arcs over the words, where both ends are on the screen. */
export function Arcs({ arcs, within, version }: Props) {
  const [drawn, setDrawn] = useState<readonly Drawn[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` stands for the layout, which is measured here
  useLayoutEffect(() => {
    const root = within.current;
    if (root === null || arcs.length === 0) {
      setDrawn((now) => (now.length === 0 ? now : []));
      return;
    }
    const measure = (): void => setDrawn(arcs.flatMap((arc) => place(root, arc) ?? []));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(root);
    return () => observer.disconnect();
  }, [arcs, within, version]);
  if (drawn.length === 0) return null;
  return (
    <svg className="steelyard-arcs" aria-hidden>
      <defs>
        <marker
          id="steelyard-arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8Z" fill="context-stroke" />
        </marker>
      </defs>
      {drawn.map((arc) => (
        <g key={arc.id} data-link={arc.id} data-selected={arc.selected || undefined}>
          <path d={arc.d} markerEnd={arc.directed ? "url(#steelyard-arrow)" : undefined} />
          {arc.name !== "" && (
            <text x={arc.x} y={arc.y} textAnchor="middle">
              {arc.name}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}

function place(root: HTMLElement, arc: Arc): Drawn | null {
  const [a, b] = [rectOf(root, arc.from), rectOf(root, arc.to)];
  if (a === null || b === null) return null;
  const box = root.getBoundingClientRect();
  const shift = {
    x: -box.left + root.scrollLeft - Number.parseFloat(getComputedStyle(root).paddingLeft),
    y: -box.top + root.scrollTop,
  };
  const top = Number.parseFloat(getComputedStyle(root).paddingTop);
  const [x1, y1] = [a.left + a.width / 2 + shift.x, a.top + shift.y - top + 6];
  const [x2, y2] = [b.left + b.width / 2 + shift.x, b.top + shift.y - top + 6];
  const rise = Math.min(14 + Math.abs(x2 - x1) * 0.06, 26);
  const height = Math.min(y1, y2) - rise;
  return {
    ...arc,
    d: `M${x1} ${y1}C${x1} ${height} ${x2} ${height} ${x2} ${y2}`,
    x: (x1 + x2) / 2,
    y: height + rise * 0.22 + 2,
  };
}

function rectOf(root: HTMLElement, id: string): DOMRect | null {
  const piece = root.querySelector(`[data-spans~="${CSS.escape(id)}"]`);
  return piece === null ? null : (piece.getClientRects()[0] ?? null);
}
