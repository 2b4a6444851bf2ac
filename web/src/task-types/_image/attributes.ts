/** Attribute definitions of the params: which are asked when, and whether an answer is legal. The server's rules are the same (task-types-2d §3). */

import type { Value } from "../../document/doc";
import { isObject, type LabelNode, labelTree, leavesOf } from "./labels";

export type AttributeType = "category" | "number" | "angle" | "text" | "x_line" | "y_line" | "linked";

export interface Attribute {
  readonly key: string;
  readonly type: AttributeType;
  readonly prompt: string;
  readonly choices: readonly LabelNode[];
  readonly leaves: readonly string[];
  readonly multiple: boolean;
  readonly min: number | null;
  readonly max: number | null;
  readonly step: number;
  /** Labels that a `linked` attribute may point at. */
  readonly targets: readonly string[];
  readonly required: boolean;
  readonly global: boolean;
  /** Labels that it is asked for; null: all. */
  readonly labels: readonly string[] | null;
  readonly alternatives: readonly Readonly<Record<string, unknown>>[];
}

export type Answers = Readonly<Record<string, Value>>;
export type Size = { readonly width: number; readonly height: number } | null;
export type Combine = "or" | "and";

const number = (value: unknown): number | null => {
  const found = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof found === "number" && Number.isFinite(found) ? found : null;
};
const flag = (value: unknown): boolean | null =>
  value === true || value === "true" ? true : value === false || value === "false" ? false : null;
const strings = (value: unknown): string[] =>
  typeof value === "string"
    ? [value]
    : Array.isArray(value)
      ? value.filter((v) => typeof v === "string")
      : [];

function attribute(key: string, given: Readonly<Record<string, unknown>>): Attribute {
  const type = (typeof given.type === "string" ? given.type : "category") as AttributeType;
  const conditions = isObject(given.conditions) ? given.conditions : {};
  const global = flag(conditions.is_global) === true;
  const condition = isObject(conditions.label_condition) ? conditions.label_condition : null;
  const alternatives = conditions.attribute_conditions;
  const choices = labelTree(given.choices);
  return {
    key,
    type,
    prompt: typeof given.description === "string" && given.description ? given.description : key,
    choices,
    leaves: leavesOf(choices).map((leaf) => leaf.node.name),
    multiple: flag(given.allow_multiple) === true,
    min: number(given.min),
    max: number(given.max),
    step: number(given.step) ?? 1,
    targets: strings(given.allowed_labels),
    required: flag(given.required) ?? type === "category",
    global,
    labels: condition === null || global ? null : strings(condition.label),
    alternatives: (Array.isArray(alternatives) ? alternatives : alternatives ? [alternatives] : []).filter(
      isObject,
    ),
  };
}

/** Definitions such that each comes after those that its conditions look at. */
export function attributesOf(given: unknown): Attribute[] {
  if (!isObject(given)) return [];
  const all = new Map(
    Object.entries(given).flatMap(([key, d]) => (isObject(d) ? [[key, attribute(key, d)] as const] : [])),
  );
  const done = new Set<string>();
  const ordered: Attribute[] = [];
  const visit = (key: string) => {
    const found = all.get(key);
    if (found === undefined || done.has(key)) return;
    done.add(key);
    for (const alternative of found.alternatives) for (const other of Object.keys(alternative)) visit(other);
    ordered.push(found);
  };
  for (const key of all.keys()) visit(key);
  return ordered;
}

const word = (value: unknown): string => String(value);

function matches(wanted: unknown, answer: Value | undefined): boolean {
  if (answer === null || answer === undefined) return false;
  const options = new Set((Array.isArray(wanted) ? wanted : [wanted]).map(word));
  return (Array.isArray(answer) ? answer : [answer]).some((value) => options.has(word(value)));
}

export function applies(
  a: Attribute,
  label: string | null,
  answers: Answers,
  size: Size,
  combine: Combine,
): boolean {
  if ((a.type === "x_line" || a.type === "y_line") && size === null) return false;
  if (a.labels !== null && (label === null || !a.labels.includes(label))) return false;
  if (a.alternatives.length === 0) return true;
  const met = a.alternatives.map((one) =>
    Object.entries(one).every(([key, wanted]) => matches(wanted, answers[key])),
  );
  return combine === "and" ? met.every(Boolean) : met.some(Boolean);
}

/** Attributes to ask, in order; hidden answers do not count for the conditions of others. `context` are the answers of the scene. */
export function shown(
  attributes: readonly Attribute[],
  label: string | null,
  answers: Answers,
  context: Answers,
  size: Size,
  combine: Combine,
): Attribute[] {
  const known: Record<string, Value> = { ...context };
  return attributes.filter((a) => {
    if (!applies(a, label, known, size, combine)) return false;
    const value = answers[a.key];
    if (value !== undefined && value !== null) known[a.key] = value;
    return true;
  });
}

export const answered = (value: Value | undefined): boolean =>
  value !== undefined &&
  value !== null &&
  !(typeof value === "string" && value.trim() === "") &&
  !(Array.isArray(value) && value.length === 0);

export interface Wrong {
  readonly key: string;
  readonly values: Readonly<Record<string, number | string>>;
}

/** Why an answer is not legal, or null. */
export function wrong(a: Attribute, value: Value | undefined, size: Size): Wrong | null {
  if (!answered(value))
    return a.required ? { key: "image.attribute.missing", values: { name: a.prompt } } : null;
  const range = (low: number, high: number): Wrong | null =>
    typeof value === "number" && value >= low && value <= high
      ? null
      : { key: "image.attribute.range", values: { name: a.prompt, low, high } };
  switch (a.type) {
    case "number": {
      if (typeof value !== "number") return { key: "image.attribute.number", values: { name: a.prompt } };
      if (value < (a.min ?? -Infinity) || value > (a.max ?? Infinity))
        return a.max === null
          ? { key: "image.attribute.least", values: { name: a.prompt, low: a.min ?? 0 } }
          : a.min === null
            ? { key: "image.attribute.most", values: { name: a.prompt, high: a.max } }
            : { key: "image.attribute.range", values: { name: a.prompt, low: a.min, high: a.max } };
      const steps = (value - (a.min ?? 0)) / a.step;
      return Math.abs(steps - Math.round(steps)) > 1e-9 * Math.max(1, Math.abs(steps))
        ? { key: "image.attribute.step", values: { name: a.prompt, step: a.step } }
        : null;
    }
    case "angle":
      return range(0, 360);
    case "x_line":
      return range(0, size?.width ?? Infinity);
    case "y_line":
      return range(0, size?.height ?? Infinity);
    case "text":
      return typeof value === "string" && value.length > 10_000
        ? { key: "image.attribute.long", values: { name: a.prompt } }
        : null;
    default:
      return null;
  }
}

/** Answers as they are sent: only those that are asked and given; categories in the order of their declaration. */
export function kept(
  attributes: readonly Attribute[],
  label: string | null,
  answers: Answers,
  context: Answers,
  size: Size,
  combine: Combine,
): Record<string, Value> {
  const result: Record<string, Value> = {};
  for (const a of shown(attributes, label, answers, context, size, combine)) {
    const value = answers[a.key];
    if (value !== undefined && answered(value))
      result[a.key] = a.type === "angle" && value === 360 ? 0 : value;
  }
  return result;
}
