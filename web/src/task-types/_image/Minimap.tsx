/** The whole picture small, with what is on the screen marked; pressing goes there. */

import { type PointerEvent, useEffect, useRef, useState } from "react";
import type { PictureSource } from "../../canvas2d/picture";
import { Mover } from "../../canvas2d/plane";
import type { Surface } from "../../canvas2d/surface";
import type { ImageEditor } from "./editor";
import styles from "./image.module.css";
import { useViewport } from "./useNowAndThen";

const SIDE = 132;

interface Props {
  readonly editor: ImageEditor;
  readonly source: PictureSource;
  readonly surface: Surface;
}

export function Minimap({ editor, source, surface }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const mark = useRef<HTMLDivElement>(null);
  const [pressed, setPressed] = useState(false);
  const viewport = useViewport(editor);
  const { size } = surface;
  const k = SIDE / Math.max(source.width, source.height);
  const [w, h] = [Math.round(source.width * k), Math.round(source.height * k)];
  const screen = { left: 0, top: 0, right: size.width, bottom: size.height };
  const view = viewport.areaToImage(screen);
  const all = view.left <= 0 && view.top <= 0 && view.right >= source.width && view.bottom >= source.height;

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (all || !context) return;
    const draw = () => {
      if (source.overview === null) return;
      context.imageSmoothingQuality = "medium";
      context.drawImage(source.overview, 0, 0, w, h);
    };
    draw();
    return source.onOverview(draw);
  }, [source, all, w, h]);

  // The mark follows the view in every frame by its transform alone; its size catches up a little later.
  const { width, height } = size;
  useEffect(() => {
    if (all || mark.current === null) return;
    const mover = new Mover(mark.current);
    const follow = () => {
      const now = editor.viewport.areaToImage({ left: 0, top: 0, right: width, bottom: height });
      mover.move(`translate(${Math.round(now.left * k)}px, ${Math.round(now.top * k)}px)`);
    };
    follow();
    return editor.onView(follow);
  }, [editor, all, k, width, height]);

  if (all) return null;
  const go = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = { x: (event.clientX - box.left) / k, y: (event.clientY - box.top) / k };
    surface.look(surface.viewport.centred(at, size));
  };
  return (
    <div
      className={styles.minimap}
      style={{ width: w, height: h }}
      aria-hidden="true"
      data-testid="image-minimap"
      onPointerDown={(event) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
        setPressed(true);
        go(event);
      }}
      onPointerMove={(event) => {
        event.stopPropagation();
        if (pressed) go(event);
      }}
      onPointerUp={(event) => {
        event.stopPropagation();
        setPressed(false);
      }}
    >
      <canvas ref={canvas} width={w} height={h} />
      <div
        ref={mark}
        style={{
          width: Math.max(3, (view.right - view.left) * k),
          height: Math.max(3, (view.bottom - view.top) * k),
        }}
      />
    </div>
  );
}
