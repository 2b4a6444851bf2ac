/** What is being worked on, as SVG over the canvas: selected shapes with handles, the shape being drawn, marquee, crosshair, relations, remarks. */

import { memo, useEffect, useLayoutEffect, useReducer, useRef, useSyncExternalStore } from "react";
import { flushSync } from "react-dom";
import { useTranslation } from "react-i18next";
import { Mover } from "../../canvas2d/plane";
import type { Viewport } from "../../canvas2d/viewport";
import type { DocRecord } from "../../document/doc";
import { shapeOf } from "../../shapes";
import type { Area, Limits, Point } from "../../shapes/shape";
import { SvgPath } from "../../shapes/svg";
import type { Remark } from "../registry";
import type { ImageEditor } from "./editor";
import styles from "./image.module.css";
import { displayOf } from "./labels";
import { active, type Scene } from "./scene";

interface Props {
  readonly editor: ImageEditor;
  readonly scene: Scene;
  readonly remarks: readonly Remark[];
  readonly pointerInside: boolean;
}

export function pathText(kind: string, data: unknown, limits: Limits, viewport: Viewport): string {
  const path = new SvgPath((x, y) => {
    const p = viewport.toScreen({ x, y });
    return [p.x, p.y];
  });
  shapeOf(kind).trace(data, path, limits);
  return path.toString();
}

const centre = (area: Area): Point => ({ x: (area.left + area.right) / 2, y: (area.top + area.bottom) / 2 });

/** Zoomed more than this the overlay is drawn anew even before the view has come to rest. */
const MOST_ZOOM = 1.5;
/** Milliseconds without movement after which it is drawn anew. */
const REST = 140;

/** While the view moves the overlay moves with it as it is: drawn anew in every frame it would cost more than all the rest. */
function useView(editor: ImageEditor): { viewport: Viewport; svg: React.RefObject<SVGSVGElement | null> } {
  const svg = useRef<SVGSVGElement>(null);
  const mover = useRef<Mover>(null);
  const drawn = useRef(editor.viewport);
  const [, again] = useReducer((n: number) => n + 1, 0);
  const { viewport } = editor;
  useLayoutEffect(() => {
    drawn.current = viewport;
    mover.current?.move("none");
  });
  useEffect(() => {
    if (svg.current === null) return;
    const moved = new Mover(svg.current);
    mover.current = moved;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = editor.onView(() => {
      const [now, then] = [editor.viewport, drawn.current];
      // With nothing in it there is nothing to draw.
      if (svg.current === null || svg.current.querySelector(":scope > :not(defs, g:empty)") === null) return;
      clearTimeout(timer);
      const k = now.scale / then.scale;
      const [x, y] = [now.x - k * then.x, now.y - k * then.y];
      if (now.turn !== then.turn || k > MOST_ZOOM || k < 1 / MOST_ZOOM) flushSync(again);
      else if (k === 1) moved.move(`translate(${x}px, ${y}px)`);
      else {
        moved.move(`matrix(${k}, 0, 0, ${k}, ${x}, ${y})`);
        timer = setTimeout(again, REST);
      }
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [editor]);
  return { viewport, svg };
}

export const Overlay = memo(function Overlay({ editor, scene, remarks, pointerInside }: Props) {
  useSyncExternalStore(editor.subscribe, editor.revision);
  const { viewport, svg } = useView(editor);
  const { t } = useTranslation();
  const { doc, state, selection } = editor;
  const chosen = [...active(editor)].flatMap((id) => editor.live(id) ?? []).filter((r) => editor.visible(r));
  const preview = editor.tool.preview();
  const marquee = editor.tool.marquee?.() ?? null;
  const only = editor.only();
  const hover =
    editor.hover !== null && !selection.has(editor.hover) ? doc.records.get(editor.hover) : undefined;
  const cursor = editor.cursor === null ? null : viewport.toScreen(editor.cursor);
  const drawing = editor.tool.cursor === "crosshair";
  const at = (p: Point) => viewport.toScreen(p);
  const label = (r: DocRecord) => displayOf(editor.config, r.label);
  return (
    <svg ref={svg} className={styles.overlay} aria-hidden="true">
      <defs>
        <marker
          id="image-arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="8"
          markerHeight="8"
          orient="auto"
        >
          <path d="M0 0.5 8 4 0 7.5z" fill="#fff" stroke="#0008" strokeWidth="0.5" />
        </marker>
      </defs>
      {state.crosshair && drawing && pointerInside && cursor && (
        <path className={styles.crosshair} d={`M-9999 ${cursor.y}H9999M${cursor.x} -9999V9999`} />
      )}
      {drawing && cursor && !pointerInside && (
        <path
          className={styles.keyCursor}
          d={`M${cursor.x - 10} ${cursor.y}h20M${cursor.x} ${cursor.y - 10}v20`}
        />
      )}
      {hover && editor.visible(hover) && <Outline record={hover} editor={editor} viewport={viewport} />}
      {chosen.map((record) => (
        <Shape key={record.id} record={record} editor={editor} scene={scene} viewport={viewport} />
      ))}
      {chosen.length === 0 && editor.attempted.size > 0 && <Many editor={editor} viewport={viewport} />}
      <Relations editor={editor} viewport={viewport} />
      {chosen.length <= 8 &&
        chosen.map((record) => (
          <Chip
            key={record.id}
            record={record}
            text={label(record)}
            colour={scene.colours.of(record.label)}
            viewport={viewport}
          />
        ))}
      {hover && editor.visible(hover) && (
        <Chip record={hover} text={label(hover)} colour={scene.colours.of(hover.label)} viewport={viewport} />
      )}
      {only !== null &&
        editor.visible(only) &&
        editor.whyNot("edit", only.id) === null &&
        state.tool === "select" && <Handles record={only} editor={editor} viewport={viewport} />}
      {preview !== null && (
        <g>
          {preview.data !== null && (
            <path
              d={pathText(preview.kind, preview.data, editor.limits(preview.kind), viewport)}
              className={
                preview.problems.length > 0 ? styles.wrong : preview.knife ? styles.knife : styles.preview
              }
              style={
                preview.problems.length > 0 || preview.knife
                  ? undefined
                  : {
                      stroke: scene.colours.of(editor.label(preview.kind)),
                      fill: scene.colours.of(editor.label(preview.kind)),
                    }
              }
            />
          )}
          {preview.vertices.map((v, i) => {
            const p = at(v);
            return (
              <circle
                // biome-ignore lint/suspicious/noArrayIndexKey: vertices have no identity but their place
                key={i}
                cx={p.x}
                cy={p.y}
                r={i === 0 && preview.closing ? 8 : 4}
                className={styles.vertex}
              />
            );
          })}
          {preview.snap && (
            <circle cx={at(preview.snap).x} cy={at(preview.snap).y} r={7} className={styles.snap} />
          )}
          {preview.problems[0] && cursor && (
            <text x={cursor.x + 14} y={cursor.y + 24} className={styles.reason}>
              {t(preview.problems[0].key, preview.problems[0].values)}
            </text>
          )}
          {preview.data !== null && preview.problems.length === 0 && cursor && (
            <Measure kind={preview.kind} data={preview.data} at={cursor} />
          )}
        </g>
      )}
      {marquee && <Marquee area={viewport.areaToScreen(marquee)} />}
      <Pins remarks={remarks} editor={editor} viewport={viewport} />
    </svg>
  );
});

/** Outlines shown of a gesture with more shapes than are drawn one by one. */
const MOST_OUTLINES = 500;

function Many({ editor, viewport }: { editor: ImageEditor; viewport: Viewport }) {
  const d = [...editor.attempted.values()]
    .slice(0, MOST_OUTLINES)
    .map((r) => pathText(r.kind, r.data, editor.limits(r.kind), viewport))
    .join("");
  return <path d={d} className={styles.hover} />;
}

function Outline({
  record,
  editor,
  viewport,
}: {
  record: DocRecord;
  editor: ImageEditor;
  viewport: Viewport;
}) {
  if (record.kind === "point") {
    const p = viewport.toScreen(record.data as Point);
    return <circle cx={p.x} cy={p.y} r={9} className={styles.hover} />;
  }
  return (
    <path
      d={pathText(record.kind, record.data, editor.limits(record.kind), viewport)}
      className={styles.hover}
    />
  );
}

function Shape({
  record,
  editor,
  scene,
  viewport,
}: {
  record: DocRecord;
  editor: ImageEditor;
  scene: Scene;
  viewport: Viewport;
}) {
  const colour = scene.colours.of(record.label);
  const shape = shapeOf(record.kind);
  const dash = record.hypothesis === "proposed" ? "6 4" : undefined;
  if (record.kind === "point") {
    const p = viewport.toScreen(record.data as Point);
    return <circle cx={p.x} cy={p.y} r={7} fill={colour} className={styles.chosen} data-record={record.id} />;
  }
  const d = pathText(record.kind, record.data, editor.limits(record.kind), viewport);
  return (
    <g data-record={record.id}>
      <path d={d} className={styles.halo} />
      <path
        d={d}
        fill={shape.filled ? colour : "none"}
        fillOpacity={Math.min(0.6, (editor.state.opacity / 100) * 1.3)}
        fillRule="evenodd"
        stroke={colour}
        strokeWidth={2.5}
        strokeDasharray={dash}
        strokeLinejoin="round"
      />
    </g>
  );
}

function Handles({
  record,
  editor,
  viewport,
}: {
  record: DocRecord;
  editor: ImageEditor;
  viewport: Viewport;
}) {
  const handles = editor.handles(record);
  const b = viewport.toScreen(centre(shapeOf(record.kind).bounds(record.data)));
  return (
    <g>
      {handles.map((handle) => {
        const { x, y } = viewport.toScreen(handle.at);
        if (handle.role === "middle")
          return <circle key={handle.id} cx={x} cy={y} r={3} className={styles.middle} />;
        if (handle.role === "rotate")
          return (
            <g key={handle.id}>
              <line
                x1={x}
                y1={y}
                x2={x + (b.x - x) * 0.12}
                y2={y + (b.y - y) * 0.12}
                className={styles.stem}
              />
              <circle cx={x} cy={y} r={5.5} className={styles.handle} />
            </g>
          );
        if (handle.role === "vertex")
          return <circle key={handle.id} cx={x} cy={y} r={4.5} className={styles.handle} />;
        return (
          <rect key={handle.id} x={x - 4} y={y - 4} width={8} height={8} rx={1.5} className={styles.handle} />
        );
      })}
    </g>
  );
}

function Chip({
  record,
  text,
  colour,
  viewport,
}: {
  record: DocRecord;
  text: string;
  colour: string;
  viewport: Viewport;
}) {
  const on = viewport.areaToScreen(shapeOf(record.kind).bounds(record.data));
  const [x, y] = [Math.max(on.left, 2), Math.max(on.top - 8, 14)];
  // Without a transform of its own: one that changes makes the browser build the page's list of layers anew.
  return (
    <g className={styles.chip}>
      <rect x={x} y={y - 12} width={text.length * 6.6 + 20} height={18} rx={4} />
      <circle cx={x + 9} cy={y - 3} r={4} fill={colour} />
      <text x={x + 17} y={y + 1}>
        {text}
      </text>
    </g>
  );
}

/** Relations of what is selected; all of them while few. */
function Relations({ editor, viewport }: { editor: ImageEditor; viewport: Viewport }) {
  const { doc, selection } = editor;
  const links = doc.links.filter(
    (l) => doc.links.length <= 100 || selection.has(l.from) || selection.has(l.to),
  );
  const linked = editor.config.attributes
    .filter((a) => a.type === "linked")
    .flatMap((a) =>
      [...selection].flatMap((id) => {
        const to = doc.records.get(id)?.attributes[a.key];
        return typeof to === "string" && doc.records.has(to)
          ? [{ id: `${id}${a.key}`, from: id, to, label: a.prompt }]
          : [];
      }),
    );
  return (
    <g>
      {[...links, ...linked].map((link) => {
        const [a, b] = [editor.live(link.from), editor.live(link.to)];
        if (!a || !b || !editor.visible(a) || !editor.visible(b)) return null;
        const p = viewport.toScreen(centre(shapeOf(a.kind).bounds(a.data)));
        const q = viewport.toScreen(centre(shapeOf(b.kind).bounds(b.data)));
        return (
          <g key={link.id}>
            <line x1={p.x} y1={p.y} x2={q.x} y2={q.y} className={styles.relationHalo} />
            <line
              x1={p.x}
              y1={p.y}
              x2={q.x}
              y2={q.y}
              className={styles.relation}
              markerEnd="url(#image-arrow)"
            />
            <text x={(p.x + q.x) / 2} y={(p.y + q.y) / 2 - 5} className={styles.relationText}>
              {link.label}
            </text>
          </g>
        );
      })}
    </g>
  );
}

function Measure({ kind, data, at }: { kind: string; data: unknown; at: Point }) {
  const size = kind === "ellipse" ? null : shapeOf(kind).size(data);
  if (size === null || (size.width === 0 && size.height === 0)) return null;
  return (
    <text x={at.x + 14} y={at.y + 24} className={styles.measure}>
      {Math.round(size.width)} × {Math.round(size.height)}
    </text>
  );
}

function Marquee({ area }: { area: Area }) {
  return (
    <rect
      x={area.left}
      y={area.top}
      width={area.right - area.left}
      height={area.bottom - area.top}
      className={styles.marquee}
    />
  );
}

function Pins({
  remarks,
  editor,
  viewport,
}: {
  remarks: readonly Remark[];
  editor: ImageEditor;
  viewport: Viewport;
}) {
  const counts = new Map<string, number>();
  for (const remark of remarks)
    if (remark.annotation_id && !remark.resolved_at)
      counts.set(remark.annotation_id, (counts.get(remark.annotation_id) ?? 0) + 1);
  return (
    <g>
      {[...counts].map(([id, count]) => {
        const record = editor.live(id);
        if (record === undefined) return null;
        const on = viewport.areaToScreen(shapeOf(record.kind).bounds(record.data));
        return (
          <g key={id} transform={`translate(${on.right} ${on.top})`} className={styles.pin}>
            <path d="M0 0C-8 -9 -9 -12 -9 -16A9 9 0 1 1 9 -16C9 -12 8 -9 0 0Z" />
            <text y={-12}>{count}</text>
          </g>
        );
      })}
    </g>
  );
}
