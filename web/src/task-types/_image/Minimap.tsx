/** The whole picture small, with what is on the screen marked; pressing goes there. */

import { type PointerEvent, useEffect, useRef, useState } from "react";
import type { PictureSource } from "../../canvas2d/picture";
import type { ScreenSize, Viewport } from "../../canvas2d/viewport";
import styles from "./image.module.css";

const SIDE = 132;

interface Props {
  readonly source: PictureSource;
  readonly viewport: Viewport;
  readonly size: ScreenSize;
  readonly onLook: (viewport: Viewport) => void;
}

export function Minimap({ source, viewport, size, onLook }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [pressed, setPressed] = useState(false);
  const k = SIDE / Math.max(source.width, source.height);
  const [w, h] = [Math.round(source.width * k), Math.round(source.height * k)];
  const view = viewport.areaToImage({ left: 0, top: 0, right: size.width, bottom: size.height });
  const all = view.left <= 0 && view.top <= 0 && view.right >= source.width && view.bottom >= source.height;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (all || !context || source.overview === null) return;
    context.imageSmoothingQuality = "medium";
    context.drawImage(source.overview, 0, 0, w, h);
  }, [source, all, w, h]);
  if (all) return null;
  const go = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    onLook(viewport.centred({ x: (event.clientX - box.left) / k, y: (event.clientY - box.top) / k }, size));
  };
  const left = Math.max(0, view.left * k);
  const top = Math.max(0, view.top * k);
  return (
    <div
      className={styles.minimap}
      style={{ width: w, height: h }}
      aria-hidden="true"
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
        style={{
          left,
          top,
          width: Math.max(3, Math.min(w, view.right * k) - left),
          height: Math.max(3, Math.min(h, view.bottom * k) - top),
        }}
      />
    </div>
  );
}
