/**
 * Visibility of fields, exactly as the server works it out (task-types-text §1.6): an object AND-s its members, an array OR-s its elements, `not`
 * negates; hidden answers count as not given.
 */

import type { Value } from "../document/doc";
import { type Answers, children, type Field, kindOf, separate } from "./fields";

/** The fields of a task by id, with what contains them. */
export class Form {
  readonly byId = new Map<string, Field>();
  readonly #parents = new Map<string, Field | null>();

  constructor(readonly fields: readonly Field[]) {
    const walk = (list: readonly Field[], parent: Field | null): void => {
      for (const field of list) {
        this.byId.set(field.field_id, field);
        this.#parents.set(field.field_id, parent);
        walk(children(field), field);
      }
    };
    walk(fields, null);
  }

  /** The containers around a field from the outside in, then the field itself. */
  chain(id: string): Field[] {
    const found: Field[] = [];
    let field: Field | null | undefined = this.byId.get(id);
    while (field !== null && field !== undefined) {
      found.unshift(field);
      field = this.#parents.get(field.field_id);
    }
    return found;
  }
}

type Json = Record<string, unknown>;

/** The answers of one level: the top, or one item of a container. */
export class Scope {
  readonly #fields: ReadonlyMap<string, Field>;
  readonly #shown = new Map<string, boolean>();

  constructor(
    readonly form: Form,
    fields: readonly Field[],
    readonly answers: Answers,
    readonly parent: Scope | null = null,
  ) {
    this.#fields = new Map(fields.map((field) => [field.field_id, field]));
  }

  shown(field: Field): boolean {
    const known = this.#shown.get(field.field_id);
    if (known !== undefined) return known;
    const { conditions } = field;
    const empty =
      conditions === null ||
      conditions === undefined ||
      (typeof conditions === "object" && Object.keys(conditions).length === 0);
    const shown = empty || this.#holds(conditions);
    this.#shown.set(field.field_id, shown);
    return shown;
  }

  inside(field: Field, item: Answers): Scope {
    return new Scope(this.form, children(field), item, this);
  }

  given(field: Field): Value[] {
    return this.shown(field) ? separate(field, this.answers[field.field_id]) : [];
  }

  /** Answers of a field from here: a sibling first, then outwards, else wherever it is. */
  lookup(id: string): Value[] {
    let scope: Scope = this;
    for (;;) {
      const field = scope.#fields.get(id);
      if (field !== undefined) return scope.given(field);
      if (scope.parent === null) return gather(scope, this.form.chain(id));
      scope = scope.parent;
    }
  }

  #holds(condition: unknown): boolean {
    if (Array.isArray(condition)) return condition.some((one) => this.#holds(one));
    return Object.entries(condition as Json).every(([key, value]) => this.#clause(key, value));
  }

  #clause(key: string, value: unknown): boolean {
    if (key === "not") return !this.#holds(value);
    if (key === "and") return listed(value).every((one) => this.#holds(one));
    if (key === "or") return listed(value).some((one) => this.#holds(one));
    const field = this.form.byId.get(key);
    return field !== undefined && passes(field, this.lookup(key), value);
  }
}

function gather(scope: Scope, chain: readonly Field[]): Value[] {
  const [first, ...rest] = chain;
  if (first === undefined) return [];
  const answers = scope.given(first);
  if (rest.length === 0) return answers;
  return answers
    .filter((item): item is Answers => typeof item === "object" && item !== null && !Array.isArray(item))
    .flatMap((item) => gather(scope.inside(first, item), rest));
}

const listed = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

function passes(field: Field, answers: readonly Value[], test: unknown): boolean {
  if (typeof test !== "object" || test === null || Array.isArray(test)) return anyOf(field, answers, test);
  return Object.entries(test).every(([key, value]) => {
    if (key === "not") return !passes(field, answers, value);
    if (key === "answered") return answers.length > 0 === value;
    if (key === "equals") return answers.some((answer) => same(field, answer, value));
    if (key === "min" || key === "max") return answers.some((answer) => bounded(answer, key, value));
    return anyOf(field, answers, value);
  });
}

function anyOf(field: Field, answers: readonly Value[], wanted: unknown): boolean {
  const keys = new Set(listed(wanted).map((value) => keyOf(field, value)));
  return answers.some((answer) => flat(answer).some((part) => keys.has(keyOf(field, part))));
}

function flat(answer: unknown): unknown[] {
  if (Array.isArray(answer)) return answer.flatMap(flat);
  return typeof answer === "object" && answer !== null ? [] : [answer];
}

function same(field: Field, answer: unknown, wanted: unknown): boolean {
  const [one, other] = [flat(answer), flat(wanted)].map((list) =>
    list.map((value) => keyOf(field, value)).join("\n"),
  );
  return one === other;
}

/** Equal values have equal keys; `1`, `"1"` and `true` differ, but in number fields, whose answers are decimal strings. */
export function keyOf(field: Field, value: unknown): string {
  if (kindOf(field) === "number") {
    const number = decimal(value);
    return number === null ? `other ${String(value)}` : `number ${number}`;
  }
  return `${typeof value} ${String(value)}`;
}

const DECIMAL = /^-?(?:\d+(?:\.\d*)?|\.\d+)$/;

export function decimal(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  return typeof value === "string" && DECIMAL.test(value) ? Number(value) : null;
}

function bounded(answer: unknown, key: "min" | "max", limit: unknown): boolean {
  const [number, bound] = [decimal(answer), decimal(limit)];
  if (number === null || bound === null) return false;
  return key === "min" ? number >= bound : number <= bound;
}
