/** The view for what need not follow it frame by frame. */

import { useEffect, useState } from "react";
import type { Viewport } from "../../canvas2d/viewport";
import type { ImageEditor } from "./editor";

const EVERY_MS = 150;

/** The editor's viewport, a few times a second while it moves, and as it is when it has come to rest. */
export function useViewport(editor: ImageEditor): Viewport {
  const [viewport, setViewport] = useState(editor.viewport);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = () => {
      timer = undefined;
      setViewport(editor.viewport);
    };
    const stop = editor.onView(() => {
      timer ??= setTimeout(later, EVERY_MS);
    });
    later();
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [editor]);
  return viewport;
}
