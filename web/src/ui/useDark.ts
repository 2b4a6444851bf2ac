import { useComputedColorScheme } from "@mantine/core";

/**
 * Whether the page is dark, right from the first drawing. Frames are made with their colours, and keyed by them: Chromium may drop a second
 * `srcdoc` that comes while the first is loading.
 */
export const useDark = (): boolean =>
  useComputedColorScheme("light", { getInitialValueInEffect: false }) === "dark";
