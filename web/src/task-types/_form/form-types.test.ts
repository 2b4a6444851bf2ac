import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import categorization from "../categorization";
import comparison from "../comparison";
import datacollection from "../datacollection";
import type { TaskTypeModule, WireTask } from "../registry";
import textcollection from "../textcollection";
import transcription from "../transcription";

const TYPES: Record<string, TaskTypeModule> = {
  categorization,
  comparison,
  datacollection,
  textcollection,
  transcription,
};
const cases = Object.keys(TYPES).flatMap((type) =>
  readdirSync(`../fixtures/task-types/${type}/valid`).map((name) => [type, name] as const),
);

test.each(cases)("%s: the answer of %s comes back as it was and has no issue", (type, name) => {
  const module = TYPES[type] as TaskTypeModule;
  const { params, response } = JSON.parse(
    readFileSync(`../fixtures/task-types/${type}/valid/${name}`, "utf8"),
  );
  const task: WireTask = { task_id: "1", type, params };
  const doc = module.load(task, [], response);
  // the working time is the server's to know
  const { time_spent_in_seconds: _, ...expected } = response;
  expect(module.buildResponse(doc, task, [])).toEqual(expected);
  expect(module.check(doc, task, [])).toEqual([]);
});

test("pre-labels fill the form, wrapped or bare", () => {
  const { params } = JSON.parse(
    readFileSync("../fixtures/task-types/textcollection/valid/wrapped-hypothesis.json", "utf8"),
  );
  const doc = textcollection.load({ task_id: "1", type: "textcollection", params }, [], null);
  expect(Object.keys(doc.fields).length).toBeGreaterThan(0);
  expect(JSON.stringify(doc.fields)).not.toContain("field_id");
});
