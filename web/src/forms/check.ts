/** What the server would refuse in the answers of a form, found before it is asked; and the answers without those of hidden fields. */

import type { Value } from "../document/doc";
import { decimal, Form, Scope } from "./conditions";
import {
  type Answers,
  children,
  choiceBounds,
  count,
  type Field,
  isContainer,
  isTrue,
  kindOf,
  least,
  most,
  options,
  says,
  separate,
} from "./fields";

/** `path` is where in the answers (`set.why`, `speech[1]`), `title` the question's; `key` and `values` make the message. */
export interface Problem {
  readonly path: string;
  readonly title: string;
  readonly key: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

export interface Checked {
  readonly problems: readonly Problem[];
  readonly answers: Record<string, Value>;
}

export function checkForm(fields: readonly Field[], answers: Answers): Checked {
  const problems: Problem[] = [];
  const form = new Form(fields);
  return { problems, answers: level(fields, answers, "", new Scope(form, fields, answers), problems) };
}

function level(
  fields: readonly Field[],
  answers: Answers,
  path: string,
  scope: Scope,
  problems: Problem[],
): Record<string, Value> {
  const cleaned: Record<string, Value> = {};
  for (const field of fields) {
    if (!scope.shown(field)) continue;
    const value = one(
      field,
      answers[field.field_id],
      path === "" ? field.field_id : `${path}.${field.field_id}`,
      scope,
      problems,
    );
    if (value !== undefined) cleaned[field.field_id] = value;
  }
  return cleaned;
}

function one(
  field: Field,
  raw: Value | undefined,
  path: string,
  scope: Scope,
  problems: Problem[],
): Value | undefined {
  const given = separate(field, raw);
  if (given.length === 0) {
    if (kindOf(field) === "form") level(children(field), {}, path, scope.inside(field, {}), problems);
    else if (isTrue(field.required)) problems.push({ path, title: field.title, key: "required" });
    return undefined;
  }
  const cleaned = given.flatMap((value, i): Value[] => {
    const where = most(field) > 1 ? `${path}[${i}]` : path;
    if (isContainer(field)) {
      const item = level(
        children(field),
        value as Answers,
        where,
        scope.inside(field, value as Answers),
        problems,
      );
      return says(item) ? [item] : [];
    }
    const problem = PROBLEMS[kindOf(field)]?.(field, value);
    if (problem !== undefined && problem !== null)
      problems.push({ path: where, title: field.title, ...problem });
    return [value];
  });
  if (cleaned.length > 0 && cleaned.length < least(field))
    problems.push({ path, title: field.title, key: "atLeast", values: { count: least(field) } });
  if (cleaned.length > most(field))
    problems.push({ path, title: field.title, key: "atMost", values: { count: most(field) } });
  if (cleaned.length === 0) return undefined;
  return most(field) > 1 ? cleaned : cleaned[0];
}

type Found = Omit<Problem, "path" | "title"> | null;

const PROBLEMS: Partial<Record<string, (field: Field, value: Value) => Found>> = {
  text: (field, value) => {
    const length = [...String(value)].length;
    if (length < count(field.min_characters, 0))
      return { key: "short", values: { count: count(field.min_characters, 0) } };
    if (length > count(field.max_characters, Number.POSITIVE_INFINITY))
      return { key: "long", values: { count: count(field.max_characters, 0) } };
    return field.regex && !matches(field.regex, String(value)) ? { key: "pattern" } : null;
  },
  number: (field, value) => {
    const number = decimal(value);
    if (number === null) return { key: "number" };
    if (number < count(field.min, Number.NEGATIVE_INFINITY))
      return { key: "min", values: { limit: field.min } };
    if (number > count(field.max, Number.POSITIVE_INFINITY))
      return { key: "max", values: { limit: field.max } };
    const step = count(field.step, 0);
    const steps = (number - count(field.min, 0)) / step;
    return step > 0 && Math.abs(steps - Math.round(steps)) > 1e-6 ? { key: "step", values: { step } } : null;
  },
  datetime: (field, value) => {
    if (field.min !== null && field.min !== undefined && String(value) < String(field.min))
      return { key: "min", values: { limit: field.min } };
    if (field.max !== null && field.max !== undefined && String(value) > String(field.max))
      return { key: "max", values: { limit: field.max } };
    return null;
  },
  category: choices,
  select: choices,
  ranking_order: (field, value) => {
    const ranked = (value as readonly Value[]).flat();
    return ranked.length === options(field).length ? null : { key: "rankAll" };
  },
  time_range: (field, value) => {
    const { start, end } = value as { start?: Value; end?: Value };
    if (typeof start !== "number" || typeof end !== "number" || start < 0 || end <= start)
      return { key: "range" };
    if (end - start < count(field.min_duration, 0) - 1e-9)
      return { key: "minDuration", values: { seconds: field.min_duration } };
    if (end - start > count(field.max_duration, Number.POSITIVE_INFINITY) + 1e-9)
      return { key: "maxDuration", values: { seconds: field.max_duration } };
    return null;
  },
};

function choices(field: Field, value: Value): Found {
  const [low, high] = choiceBounds(field);
  const n = (value as readonly Value[]).length;
  return n < low || n > high
    ? { key: low === high ? "choicesExact" : "choices", values: { low, high, count: low } }
    : null;
}

function matches(regex: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${regex})$`, "u").test(value);
  } catch {
    return true; // a pattern that only the server can read is left to it
  }
}
