/** The canvas with its pointer: draws, pans, zooms; the rest of the editor never sees screen coordinates. */

import {
  type PointerEvent as ReactPointerEvent,
  useCallback,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { useTranslation } from "react-i18next";
import { type PictureSource, TiledPicture, tilesOf, WholePicture } from "../../canvas2d/picture";
import { Surface } from "../../canvas2d/surface";
import type { Viewport } from "../../canvas2d/viewport";
import type { Doc } from "../../document/doc";
import { shapeOf } from "../../shapes";
import { type Area, distance, type Point } from "../../shapes/shape";
import { drawsKind } from "../../tools";
import type { Pointer } from "../../tools/tool";
import type { MediaView, Remark } from "../registry";
import type { ImageEditor } from "./editor";
import styles from "./image.module.css";
import { displayOf } from "./labels";
import { Minimap } from "./Minimap";
import { Overlay } from "./Overlay";
import { active, MOST_ACTIVE, Scene } from "./scene";

interface Props {
  readonly editor: ImageEditor;
  readonly medium: MediaView | undefined;
  readonly before: Doc | null;
  readonly remarks: readonly Remark[];
  readonly onSurface: (surface: Surface | null) => void;
  /** Whether the picture is there and how large it is. */
  readonly onPicture: (size: { width: number; height: number }) => void;
  readonly panning: { current: (on: boolean) => void };
  readonly onFocus: (on: boolean) => void;
}

interface Pan {
  readonly pointer: number;
  readonly at: Point;
  readonly viewport: Viewport;
}

export function Canvas(props: Props) {
  const { editor, medium, before, remarks, onSurface, onPicture, panning, onFocus } = props;
  const { t } = useTranslation();
  const element = useRef<HTMLDivElement>(null);
  const surface = useRef<Surface | null>(null);
  const [scene, setScene] = useState<Scene | null>(null);
  const [source, setSource] = useState<PictureSource | null>(null);
  const [failed, setFailed] = useState(false);
  const [inside, setInside] = useState(false);
  const [space, setSpace] = useState(false);
  const pan = useRef<Pan | null>(null);
  const touches = useRef(new Map<number, Point>());
  const moved = useRef<{ frame: number; to: Pointer | null }>({ frame: 0, to: null });
  const byKeys = useRef({ on: false, panned: false });

  // The surface lives as long as the editor and the earlier answer do.
  useEffect(() => {
    if (element.current === null) return;
    const next = new Scene(editor, before, (v) => editor.look(v));
    const made = new Surface(element.current, next);
    surface.current = made;
    setScene(next);
    onSurface(made);
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return;
      const { width, height } = entry.contentRect;
      const first = made.size.width === 0;
      const whole = made.viewport.sameAs(made.viewport.fitted(editor.frame(), made.size, 16));
      made.resize({ width, height });
      // Who looks at the whole picture goes on doing so; who has gone near to something stays there.
      if ((first || whole) && editor.picture.width > 0)
        made.look(made.viewport.fitted(editor.frame(), made.size, 16));
    });
    observer.observe(element.current);
    const stop = follow(editor, made);
    return () => {
      stop();
      observer.disconnect();
      made.dispose();
      surface.current = null;
      onSurface(null);
    };
  }, [editor, before, onSurface]);

  useEffect(() => {
    if (medium === undefined || scene === null) return;
    const abort = new AbortController();
    const tiles = tilesOf(medium.derived);
    const ready = (picture: PictureSource) => {
      if (abort.signal.aborted) {
        picture.close();
        return;
      }
      const made = surface.current;
      const known = editor.picture.width > 0;
      editor.picture = { width: picture.width, height: picture.height };
      onPicture(editor.picture);
      setSource(picture);
      if (made === null) return;
      made.picture = picture;
      if (!known && made.size.width > 0) made.look(made.viewport.fitted(editor.frame(), made.size, 16));
    };
    setFailed(false);
    if (tiles !== null && medium.width && medium.height) {
      const thumbnail = medium.derived?.thumbnail;
      ready(
        new TiledPicture(
          tiles,
          medium.width,
          medium.height,
          typeof thumbnail === "string" ? thumbnail : null,
        ),
      );
    } else
      WholePicture.load(medium.url, abort.signal).then(ready, () => {
        if (!abort.signal.aborted) setFailed(true);
      });
    return () => abort.abort();
  }, [medium, scene, editor, onPicture]);

  const pointer = useCallback(
    (event: {
      clientX: number;
      clientY: number;
      shiftKey: boolean;
      ctrlKey: boolean;
      metaKey: boolean;
      altKey: boolean;
    }): Pointer => ({
      at: surface.current?.toImage(event) ?? { x: 0, y: 0 },
      shift: event.shiftKey,
      mod: event.ctrlKey || event.metaKey,
      alt: event.altKey,
    }),
    [],
  );

  // Wheel events must be able to keep the page from scrolling, which React's own listeners cannot.
  useEffect(() => {
    const target = element.current;
    if (target === null) return;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const s = surface.current;
      if (s === null) return;
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      if (event.shiftKey) {
        s.look(s.viewport.panned(-Math.round((event.deltaX || event.deltaY) * unit), 0));
        return;
      }
      const factor = Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0016));
      s.look(s.viewport.zoomed(factor, s.toScreen(event)));
    };
    target.addEventListener("wheel", wheel, { passive: false });
    return () => target.removeEventListener("wheel", wheel);
  }, []);

  // Space: held and dragged it pans; tapped while a tool draws it is a click of the keyboard's own pointer.
  panning.current = (on) => {
    setSpace(on);
    if (on) {
      byKeys.current.panned = false;
      return;
    }
    pan.current = null;
    const { cursor } = editor;
    const { tool } = editor.state;
    const drawing = drawsKind(tool) !== null || tool === "split" || tool === "cut";
    if (byKeys.current.panned || !byKeys.current.on || cursor === null || !drawing) return;
    const p: Pointer = { at: cursor, shift: false, mod: false, alt: false };
    editor.pointerDown(p);
    editor.pointerUp(p);
  };

  /** Does what the last move asked for: once a frame, however often the pointer tells where it is. */
  const catchUp = () => {
    cancelAnimationFrame(moved.current.frame);
    const { to } = moved.current;
    moved.current = { frame: 0, to: null };
    if (to === null) return;
    editor.pointerMove(to);
    if (element.current !== null) element.current.style.cursor = cursorFor(editor, to.at);
  };
  useEffect(() => () => cancelAnimationFrame(moved.current.frame), []);

  const down = (event: ReactPointerEvent) => {
    catchUp();
    surface.current?.relocated();
    surface.current?.used();
    element.current?.focus({ preventScroll: true });
    byKeys.current.on = false;
    element.current?.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      touches.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (touches.current.size === 2) {
        editor.tool.cancel();
        return;
      }
    }
    const s = surface.current;
    if (s === null) return;
    if (event.button === 1 || (event.button === 0 && space)) {
      event.preventDefault();
      pan.current = {
        pointer: event.pointerId,
        at: { x: event.clientX, y: event.clientY },
        viewport: s.viewport,
      };
      byKeys.current.panned = true;
      return;
    }
    if (event.button === 0) editor.pointerDown(pointer(event));
  };

  const move = (event: ReactPointerEvent) => {
    const s = surface.current;
    if (s === null) return;
    byKeys.current.on = false;
    if (!inside) setInside(true);
    if (touches.current.size === 2 && touches.current.has(event.pointerId)) {
      pinch(s, touches.current, event);
      return;
    }
    const now = pan.current;
    if (now !== null && now.pointer === event.pointerId) {
      s.look(
        // By whole pixels: a bitmap between pixels is resampled in every frame.
        now.viewport.panned(Math.round(event.clientX - now.at.x), Math.round(event.clientY - now.at.y)),
      );
      return;
    }
    s.used();
    moved.current.to = pointer(event);
    if (moved.current.frame === 0) moved.current.frame = requestAnimationFrame(catchUp);
  };

  const up = (event: ReactPointerEvent) => {
    catchUp();
    touches.current.delete(event.pointerId);
    if (pan.current?.pointer === event.pointerId) {
      pan.current = null;
      return;
    }
    if (event.button === 0) editor.pointerUp(pointer(event));
  };

  return (
    <div
      ref={element}
      className={styles.canvas}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the canvas takes keys (arrows, Tab, Space) while it has the focus
      tabIndex={0}
      role="application"
      aria-label={t("image.canvas")}
      aria-describedby="image-selection"
      style={{ cursor: space ? "grab" : editor.tool.cursor }}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={() => {
        touches.current.clear();
        pan.current = null;
        editor.tool.cancel();
      }}
      onPointerEnter={() => surface.current?.relocated()}
      onPointerLeave={() => setInside(false)}
      onDoubleClick={(event) => editor.doubleClick(pointer(event))}
      onContextMenu={(event) => event.preventDefault()}
      onFocus={() => onFocus(true)}
      onBlur={() => onFocus(false)}
      onKeyDown={(event) => {
        if (event.key.startsWith("Arrow")) {
          byKeys.current.on = true;
          setInside(false);
        }
        // Tab walks through the objects: those who use keys alone need a way out.
        if (event.key === "Escape" && idle(editor)) element.current?.blur();
      }}
      data-canvas
      data-ready={source !== null || undefined}
      data-testid="image-canvas"
    >
      {scene !== null && <Overlay editor={editor} scene={scene} remarks={remarks} pointerInside={inside} />}
      {failed && (
        <div className={styles.failed} role="alert">
          {t("image.failed")}
        </div>
      )}
      {source !== null && surface.current !== null && (
        <Minimap editor={editor} source={source} surface={surface.current} />
      )}
      <Description editor={editor} />
    </div>
  );
}

/** What is selected, said in words for those who do not see it. */
function Description({ editor }: { readonly editor: ImageEditor }) {
  const { t } = useTranslation();
  useSyncExternalStore(editor.subscribe, editor.content);
  const only = editor.only();
  return (
    <span id="image-selection" hidden>
      {only === null
        ? t("image.objects", { count: editor.doc.records.size })
        : t("image.selectedOne", { name: displayOf(editor.config, only.label) })}
    </span>
  );
}

/** Paints again what has changed: by the document's difference, by the selection, by what is hidden and how things look. */
function follow(editor: ImageEditor, surface: Surface): () => void {
  const boundsOf = (id: string): Area[] => {
    const record = editor.doc.records.get(id);
    return record === undefined ? [] : [shapeOf(record.kind).bounds(record.data)];
  };
  let selected = active(editor);
  let order = editor.doc.order;
  let state = editor.state;
  let content = editor.content();
  const stopDoc = editor.onDocument((found) => {
    if (found.length > 200 || editor.config.connections.length > 0) {
      surface.shapesChanged();
      return;
    }
    const now = active(editor);
    const areas = found.flatMap(({ before, after }) => {
      // What is worked on is not in the bitmap, neither before nor after.
      if (before !== null && after !== null && selected.has(before.id) && now.has(after.id)) return [];
      return [before, after].flatMap((r) => (r === null ? [] : [shapeOf(r.kind).bounds(r.data)]));
    });
    if (areas.length > 0) surface.patchShapes(areas);
  });
  const stopState = editor.subscribe(() => {
    if (editor.content() === content) return;
    content = editor.content();
    const now = active(editor);
    if (now !== selected) {
      const areas = [
        ...[...selected].filter((id) => !now.has(id)),
        ...[...now].filter((id) => !selected.has(id)),
      ].flatMap(boundsOf);
      selected = now;
      if (areas.length > 0) surface.patchShapes(areas);
    }
    if (editor.selection.size > MOST_ACTIVE || editor.doc.order !== order) surface.shapesChanged();
    order = editor.doc.order;
    const next = editor.state;
    if (next.brightness !== state.brightness || next.contrast !== state.contrast) surface.mediaChanged();
    if (
      next.hidden !== state.hidden ||
      next.opacity !== state.opacity ||
      next.showBefore !== state.showBefore ||
      next.layersShown !== state.layersShown
    )
      surface.shapesChanged();
    state = next;
  });
  return () => {
    stopDoc();
    stopState();
  };
}

/** Whether Escape has nothing to leave. */
const idle = (editor: ImageEditor): boolean =>
  editor.state.tool === "select" && !editor.tool.busy && editor.selection.size === 0;

function cursorFor(editor: ImageEditor, at: Point): string {
  if (editor.state.tool !== "select") return editor.tool.cursor;
  const handle = editor.handleAt(at)?.handle;
  if (handle !== undefined) return handle.cursor ?? "move";
  const on = editor.hover;
  if (on === null) return "default";
  return editor.selection.has(on) && editor.whyNot("edit", on) === null ? "move" : "pointer";
}

/** Two fingers move and zoom. */
function pinch(surface: Surface, touches: Map<number, Point>, event: ReactPointerEvent): void {
  const other = [...touches].find(([id]) => id !== event.pointerId)?.[1];
  const before = touches.get(event.pointerId);
  const now = { x: event.clientX, y: event.clientY };
  touches.set(event.pointerId, now);
  if (other === undefined || before === undefined) return;
  const k = distance(now, other) / Math.max(1, distance(before, other));
  const middle = surface.toScreen({ clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 });
  surface.look(surface.viewport.panned((now.x - before.x) / 2, (now.y - before.y) / 2).zoomed(k, middle));
}
