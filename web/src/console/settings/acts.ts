/** What the audit log says of an act, in words. Values of customers stay as they are. */

import type { TFunction } from "i18next";
import { number, share, time } from "../../ui/format";

export interface Line {
  readonly label: string;
  readonly text: string;
}

const SHARES = new Set(["sample", "evaluation_rate", "evaluation_bar", "tolerance", "audit_sample"]);
const WORDS: Readonly<Record<string, string>> = {
  mode: "console.mode",
  role: "app.role",
  scope: "console.scope",
};
const DATE = /^\d{4}-\d\d-\d\dT/;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function labelOf(name: string, t: TFunction): string {
  const plain = name.replaceAll("_", " ");
  return t(`log.field.${name}`, t(`console.workflow.${name}`, plain));
}

function textOf(name: string, value: unknown, t: TFunction): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return t(value ? "app.yes" : "log.no");
  if (typeof value === "number") return SHARES.has(name) ? share(value) : number(value);
  if (typeof value === "string") {
    const words = WORDS[name];
    if (words !== undefined) return t(`${words}.${value}`, value);
    return DATE.test(value) ? time(value) : value;
  }
  if (Array.isArray(value))
    return value.length === 0 ? t("log.none") : value.map((one) => textOf(name, one, t)).join(", ");
  return Object.entries(value)
    .map(([key, one]) => `${labelOf(key, t)} ${textOf(key, one, t)}`)
    .join(" · ");
}

/** The names that differ between two settings, with both values. */
function changes(before: Record<string, unknown>, after: Record<string, unknown>, t: TFunction): Line[] {
  return Object.keys(after).flatMap((name) => {
    const [was, is] = [textOf(name, before[name], t), textOf(name, after[name], t)];
    return was === is ? [] : [{ label: labelOf(name, t), text: t("log.change", { before: was, after: is }) }];
  });
}

/** What was changed, line by line: of settings only what differs, where the log knows what they were. */
export function linesOf(detail: unknown, t: TFunction): Line[] {
  if (!isObject(detail)) return [];
  const { before, settings, ...named } = detail;
  const lines = Object.entries(named)
    .filter(([name, value]) => !(name === "mode" && value === "live"))
    .map(([name, value]) => ({ label: labelOf(name, t), text: textOf(name, value, t) }));
  if (!isObject(settings)) return lines;
  if (!isObject(before))
    return [
      ...lines,
      ...Object.entries(settings).map(([name, value]) => ({
        label: labelOf(name, t),
        text: textOf(name, value, t),
      })),
    ];
  const changed = changes(before, settings, t);
  return [...lines, ...(changed.length === 0 ? [{ label: "", text: t("log.unchanged") }] : changed)];
}
