import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { checkForm } from "./check";
import { Form, Scope } from "./conditions";
import { type Field, leaves, setIn } from "./fields";

const folder = "../fixtures/task-types/textcollection";
const cases = (kind: string) =>
  readdirSync(`${folder}/${kind}`).map(
    (name): [string, { params: { fields: Field[] }; response: { annotations: Record<string, never> } }] => [
      name,
      JSON.parse(readFileSync(`${folder}/${kind}/${name}`, "utf8")),
    ],
  );

test.each(cases("valid"))(
  "the answers of %s have no problem and stay as they are",
  (_, { params, response }) => {
    const { problems, answers } = checkForm(params.fields, response.annotations);
    expect(problems).toEqual([]);
    expect(answers).toEqual(response.annotations);
  },
);

const text = (field_id: string, more: Partial<Field> = {}): Field => ({
  type: "text",
  field_id,
  title: field_id,
  ...more,
});
const pick = (field_id: string, values: (string | number | boolean)[], more: Partial<Field> = {}): Field => ({
  type: "category",
  field_id,
  title: field_id,
  choices: values.map((value) => ({ value, label: String(value) })),
  ...more,
});
const shown = (fields: Field[], answers: Record<string, never> | Record<string, unknown>): string[] => {
  const scope = new Scope(new Form(fields), fields, answers as never);
  return fields.filter((field) => scope.shown(field)).map((field) => field.field_id);
};

test("conditions: objects and, arrays or, not negates, hidden answers do not count", () => {
  const fields = [
    pick("a", ["x", "y"]),
    text("b", { conditions: { a: "x" } }),
    text("c", { conditions: [{ a: { choices: ["y"] } }, { b: { answered: true } }] }),
    text("d", { conditions: { not: { a: ["x", "y"] } } }),
  ];
  expect(shown(fields, {})).toEqual(["a", "d"]);
  expect(shown(fields, { a: ["x"] })).toEqual(["a", "b"]);
  expect(shown(fields, { a: ["x"], b: "said" })).toEqual(["a", "b", "c"]);
  expect(shown(fields, { a: ["y"], b: "hidden" })).toEqual(["a", "c"]);
});

test("choice values are compared with their type, numbers by what they are worth", () => {
  const fields = [
    pick("a", [1, "1", true]),
    { type: "number", field_id: "n", title: "n" },
    text("t", { conditions: { a: 1, n: { min: 2, max: "3.0" } } }),
  ];
  expect(shown(fields, { a: ["1"], n: "2" })).not.toContain("t");
  expect(shown(fields, { a: [1], n: "3.0" })).toContain("t");
  expect(shown(fields, { a: [1], n: "3.01" })).not.toContain("t");
});

test("a condition finds a field in the same set first, then outside, then wherever it is", () => {
  const inner = [pick("kind", ["s", "t"]), text("why", { conditions: { kind: "s" } })];
  const fields: Field[] = [
    { type: "field_set", field_id: "set", title: "set", max_responses_required: 3, fields: inner },
    text("note", { conditions: { kind: "t" } }),
  ];
  const answers = {
    set: [
      { kind: ["s"], why: "because" },
      { kind: ["t"], why: "hidden" },
    ],
  } as never;
  expect(shown(fields, answers)).toEqual(["set", "note"]);
  expect(checkForm(fields, answers).answers).toEqual({
    set: [{ kind: ["s"], why: "because" }, { kind: ["t"] }],
  });
});

test("each rule has its own problem at its own place", () => {
  const fields: Field[] = [
    text("name", { required: true }),
    text("code", { regex: "[A-Z]{2}-\\d+", max_characters: 5 }),
    { type: "number", field_id: "n", title: "n", min: 0.5, max: 5, step: 0.25 },
    pick("tags", ["a", "b", "c"], { min_choices: 2, max_choices: 2 }),
    { type: "ranking", field_id: "r", title: "r", num_options: 3 },
    {
      type: "time_range",
      field_id: "speech",
      title: "speech",
      min_duration: 1,
      max_responses_required: 2,
      min_responses_required: 2,
    },
  ];
  const found = checkForm(fields, {
    code: "ab-1",
    n: "0.6",
    tags: ["a"],
    r: [1, 2],
    speech: [{ start: 1, end: 1.5 }],
  } as never);
  expect(found.problems.map((p) => `${p.path} ${p.key}`)).toEqual([
    "name required",
    "code pattern",
    "n step",
    "tags choicesExact",
    "r rankAll",
    "speech[0] minDuration",
    "speech atLeast",
  ]);
});

test("values are set and taken away at any depth, and empty containers go with them", () => {
  const made = setIn(undefined, ["set", 0, "why"], "because");
  expect(made).toEqual({ set: [{ why: "because" }] });
  expect(setIn(made, ["set", 0, "why"], undefined)).toBeUndefined();
});

test("choices with subchoices are headings, their leaves are what can be picked", () => {
  expect(
    leaves([
      { label: "Wood", value: "wood", subchoices: [{ label: "Oak", value: "oak" }] },
      { label: "Steel", value: "steel" },
    ]).map((c) => c.value),
  ).toEqual(["oak", "steel"]);
});
