/** The look: deep blue to act, amber to point out, calm greys to read on. Contrasts of text are at least 4.5:1 in light and dark. */

import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const deep: MantineColorsTuple = [
  "#eef3fb",
  "#dbe6f6",
  "#b6cbeb",
  "#8fafe0",
  "#7aa0dc",
  "#4f7dc9",
  "#3668b5",
  "#275499",
  "#1d447f",
  "#143462",
];
const amber: MantineColorsTuple = [
  "#fff8e6",
  "#feedc3",
  "#fbdb8a",
  "#f7c64d",
  "#f2b01f",
  "#dd9a0b",
  "#b97c06",
  "#8f5d05",
  "#6e4706",
  "#4b3005",
];
const gray: MantineColorsTuple = [
  "#f6f8fa",
  "#eef1f5",
  "#e2e7ed",
  "#d2d9e2",
  "#b4bfcb",
  "#75808d",
  "#5a6572",
  "#434d59",
  "#2b333d",
  "#181d24",
];
const dark: MantineColorsTuple = [
  "#d8dee6",
  "#b3bdc9",
  "#97a3b1",
  "#5f6b7a",
  "#3b4553",
  "#2c3541",
  "#222a34",
  "#181e26",
  "#12171e",
  "#0d1116",
];

/** Mantine's own, but for the darkest, which is the ink of light badges. */
const teal: MantineColorsTuple = [
  "#e6fcf5",
  "#c9f7e6",
  "#96f2d7",
  "#63e6be",
  "#38d9a9",
  "#20c997",
  "#12b886",
  "#0ca678",
  "#099268",
  "#055a40",
];

export const theme = createTheme({
  colors: { deep, amber, gray, dark, teal },
  primaryColor: "deep",
  primaryShade: { light: 7, dark: 6 },
  defaultRadius: "sm",
  cursorType: "pointer",
  focusRing: "auto",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', Roboto, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SFMono-Regular', Menlo, Consolas, monospace",
  headings: {
    fontWeight: "650",
    sizes: {
      h1: { fontSize: "1.5rem", lineHeight: "1.25" },
      h2: { fontSize: "1.125rem", lineHeight: "1.35" },
      h3: { fontSize: "1rem", lineHeight: "1.4" },
    },
  },
  components: {
    // as large as WCAG 2.2 asks of what is hit with a finger
    Slider: { defaultProps: { thumbSize: 24 } },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: true } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.4 } } },
    Table: { defaultProps: { verticalSpacing: "xs", highlightOnHover: true } },
    Anchor: { defaultProps: { underline: "hover" } },
  },
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-error": "#b3261e",
    "--mantine-color-placeholder": "#6a7582",
    "--mantine-color-anchor": deep[7],
    "--sy-canvas": gray[0],
    "--sy-line": gray[2],
    "--sy-panel": "#ffffff",
    "--sy-accent": amber[6],
  },
  dark: {
    "--mantine-color-error": "#ff9a92",
    "--mantine-color-placeholder": "#8893a1",
    "--mantine-color-anchor": deep[3],
    // Mantine's are so dark that badges and chosen rows do not stand out
    "--mantine-color-deep-light": "#22334d",
    "--mantine-color-deep-light-hover": "#293d5c",
    "--mantine-color-teal-light": "#12392f",
    "--mantine-color-teal-light-hover": "#16463a",
    "--mantine-color-amber-light": "#40331a",
    "--mantine-color-amber-light-hover": "#4c3d1f",
    "--mantine-color-red-light": "#4a2327",
    "--mantine-color-red-light-hover": "#58292e",
    "--mantine-color-gray-light": "#2b3440",
    "--mantine-color-gray-light-hover": "#343e4b",
    "--sy-canvas": dark[8],
    "--sy-line": dark[5],
    "--sy-panel": dark[7],
    "--sy-accent": amber[4],
  },
});
