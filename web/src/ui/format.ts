/** Numbers, shares and times in the person's language. */

import i18next from "i18next";

const locale = (): string => i18next.language || "en";

export const number = (n: number): string => new Intl.NumberFormat(locale()).format(n);

export const share = (part: number | null | undefined): string =>
  part === null || part === undefined
    ? "–"
    : new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 1 }).format(part);

/** By language: one takes longer to make than a row of a table to draw. */
const times = new Map<string, Intl.DateTimeFormat>();

export function time(iso: string | null | undefined): string {
  if (!iso) return "–";
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const inLocale = locale();
  let format = times.get(inLocale);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(inLocale, { dateStyle: "medium", timeStyle: "short" });
    times.set(inLocale, format);
  }
  return format.format(at);
}

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** "3 hours ago"; `now` in milliseconds. */
export function ago(iso: string | null | undefined, now: number = Date.now()): string {
  if (!iso) return "–";
  const seconds = (new Date(iso).getTime() - now) / 1000;
  if (Number.isNaN(seconds)) return iso;
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  for (const [unit, length] of STEPS)
    if (Math.abs(seconds) >= length) return words.format(Math.round(seconds / length), unit);
  return words.format(Math.round(seconds), "second");
}

/** U+2066 … U+2069: keeps a figure and its unit in their order within a text from right to left. */
const isolated = (text: string): string => `\u2066${text}\u2069`;

/** Seconds as hours and minutes, `1:05 h`. */
export function hours(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return isolated(`${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`);
}

export const seconds = (n: number): string => isolated(`${number(Math.round(n))} s`);

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  let size = n;
  while (size >= 1000 && at < units.length - 1) {
    size /= 1000;
    at++;
  }
  const shown = new Intl.NumberFormat(locale(), { maximumFractionDigits: at === 0 ? 0 : 1 }).format(size);
  return isolated(`${shown} ${units[at]}`);
}
