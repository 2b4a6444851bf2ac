/** Fields of a form as params define them (task-types-text §1.3 to §1.5): their kinds, choices and separate answers. Pure. */

import type { Value } from "../document/doc";

export type ChoiceValue = string | number | boolean;

export interface Choice {
  readonly label: string;
  readonly value: ChoiceValue;
  readonly hint?: string | null;
  readonly subchoices?: readonly Choice[] | null;
}

export interface Field {
  readonly type: string;
  readonly field_id: string;
  readonly title: string;
  readonly description?: string | null;
  readonly hint?: string | null;
  readonly required?: boolean | string | null;
  readonly min_responses_required?: number | string | null;
  readonly max_responses_required?: number | string | null;
  readonly conditions?: unknown;
  readonly min_characters?: number | string | null;
  readonly max_characters?: number | string | null;
  readonly regex?: string | null;
  readonly multiline?: boolean | null;
  readonly placeholder?: string | null;
  readonly min?: number | string | null;
  readonly max?: number | string | null;
  readonly step?: number | string | null;
  readonly use_slider?: boolean | string | null;
  readonly prefix?: string | null;
  readonly suffix?: string | null;
  readonly format?: string | null;
  readonly choices?: readonly Choice[] | null;
  readonly min_choices?: number | string | null;
  readonly max_choices?: number | string | null;
  readonly options?: readonly Choice[] | null;
  readonly num_options?: number | string | null;
  readonly option_label?: string | null;
  readonly first_label?: string | null;
  readonly last_label?: string | null;
  readonly allow_ties?: boolean | string | null;
  readonly attachment_index?: number | null;
  readonly min_duration?: number | null;
  readonly max_duration?: number | null;
  readonly fields?: readonly Field[] | null;
  readonly inline?: boolean | null;
  /** A text may be empty and is sent as "" then: the answer says that there is none. */
  readonly emptyIsAnswer?: boolean;
}

export type Kind =
  | "text"
  | "boolean"
  | "number"
  | "datetime"
  | "category"
  | "select"
  | "ranking_order"
  | "time_range"
  | "field_set"
  | "form";

const ALIASES: Record<string, Kind> = { ranking: "ranking_order", fieldset: "field_set" };

export type Answers = Readonly<Record<string, Value>>;

export function kindOf(field: Field): Kind {
  const word = field.type.toLowerCase();
  return ALIASES[word] ?? (word as Kind);
}

/** Params take numbers as strings, too. */
export function count(value: number | string | null | undefined, otherwise: number): number {
  const number = value === null || value === undefined || value === "" ? Number.NaN : Number(value);
  return Number.isNaN(number) ? otherwise : number;
}

export const isTrue = (value: boolean | string | null | undefined): boolean =>
  value === true || (typeof value === "string" && value.toLowerCase() === "true");

export const least = (field: Field): number => count(field.min_responses_required, 1);
export const most = (field: Field): number => count(field.max_responses_required, 1);
export const isContainer = (field: Field): boolean =>
  kindOf(field) === "field_set" || kindOf(field) === "form";
export const children = (field: Field): readonly Field[] => field.fields ?? [];

export function leaves(choices: readonly Choice[]): Choice[] {
  return choices.flatMap((choice) => (choice.subchoices?.length ? leaves(choice.subchoices) : [choice]));
}

/** What may be picked or has to be ranked. */
export function options(field: Field): Choice[] {
  const given = field.choices ?? field.options ?? [];
  if (kindOf(field) === "ranking_order" && given.length === 0)
    return Array.from({ length: count(field.num_options, 0) }, (_, i) => ({
      value: i + 1,
      label: `${field.option_label ?? ""} ${i + 1}`.trim(),
    }));
  return leaves(given);
}

/** How many choices a field takes: at least and at most. */
export function choiceBounds(field: Field): [number, number] {
  return [count(field.min_choices, 1), count(field.max_choices, 1)];
}

export function says(value: Value | undefined): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === "string") return value.trim() !== "";
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** The separate answers in a raw value that say something. */
export function separate(field: Field, raw: Value | undefined): Value[] {
  const values = most(field) > 1 && Array.isArray(raw) ? (raw as readonly Value[]) : [raw ?? null];
  return values.filter(says);
}

/** Changes what lies at a path below a value; undefined takes it away. Arrays and objects on the way are made where they are missing. */
export function setIn(
  root: Value | undefined,
  path: readonly (string | number)[],
  value: Value | undefined,
): Value | undefined {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  if (typeof head === "number") {
    const list = Array.isArray(root) ? [...(root as readonly Value[])] : [];
    const inner = setIn(list[head], rest, value);
    if (inner === undefined) list.splice(head, 1);
    else list[head] = inner;
    return list.length > 0 ? list : undefined;
  }
  const object: Record<string, Value> =
    typeof root === "object" && root !== null && !Array.isArray(root)
      ? { ...(root as Record<string, Value>) }
      : {};
  const inner = setIn(object[head], rest, value);
  if (inner === undefined) delete object[head];
  else object[head] = inner;
  return Object.keys(object).length > 0 ? object : undefined;
}
