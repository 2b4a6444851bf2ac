/** What need not follow the view or the pointer frame by frame. */

import { useEffect, useState } from "react";
import type { Viewport } from "../../canvas2d/viewport";
import type { ImageEditor } from "./editor";

const EVERY_MS = 120;

type Subscribe = (listener: () => void) => () => void;

/** What `read` gives, a few times a second while it changes, and as it is when all has come to rest. */
export function useNowAndThen<T>(subscribe: Subscribe, read: () => T): T {
  const [value, setValue] = useState(read);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `read` is a new function in every render, and what it reads follows `subscribe`
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const now = () => {
      timer = undefined;
      setValue(read);
    };
    const stop = subscribe(() => {
      timer ??= setTimeout(now, EVERY_MS);
    });
    now();
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [subscribe]);
  return value;
}

export const useViewport = (editor: ImageEditor): Viewport =>
  useNowAndThen(editor.onView, () => editor.viewport);
