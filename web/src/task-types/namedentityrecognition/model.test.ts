import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { putRecords } from "../../document/doc";
import type { WireTask } from "../registry";
import { buildResponse, check, fitting, flatLabels, load, type Params, SPAN } from "./model";

const folder = "../fixtures/task-types/namedentityrecognition/valid";
const task = (params: unknown): WireTask => ({
  task_id: "1",
  type: "namedentityrecognition",
  params: params as Record<string, unknown>,
});

test.each(readdirSync(folder))("the answer of %s comes back as it was", (name) => {
  const { params, response } = JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
  const built = buildResponse(load(task(params), response), task(params));
  expect(built).toEqual({ relationships: [], ...response });
});

const params: Params = {
  text: "Ines sold the mill to Tomas.",
  labels: [
    { name: "party", children: [{ name: "seller" }, { name: "buyer" }] },
    { name: "asset", attributes: { kind: { type: "category", choices: ["building"], required: true } } },
  ],
  relationships: [
    {
      name: "sold_to",
      display_name: "sold to",
      is_directed: true,
      source_label: "party",
      target_label: "buyer",
    },
  ],
  allow_overlap: false,
};
const span = (id: string, label: string, start: number, end: number) => ({
  id,
  kind: SPAN,
  label,
  data: { start, end },
  attributes: {},
});

test("what the server would refuse is told before: overlaps, missing attributes, the same span twice", () => {
  const doc = putRecords(
    span("a", "seller", 0, 9),
    span("b", "asset", 5, 12),
    span("c", "seller", 0, 9),
  )(load(task(params), null));
  const found = check(doc, task(params), (key) => key).map((issue) => issue.message);
  expect(found.sort()).toEqual([
    "text.issue.attribute",
    "text.issue.overlap",
    "text.issue.overlap",
    "text.issue.twice",
  ]);
});

test("a relationship fits labels below the named ones, and one way only when it is directed", () => {
  const labels = flatLabels(params.labels);
  const [seller, buyer] = [span("a", "seller", 0, 4), span("b", "buyer", 22, 27)];
  expect(fitting(params, labels, seller, buyer)).toHaveLength(1);
  expect(fitting(params, labels, buyer, seller)).toHaveLength(0);
});

test("pre-labels are proposed, answers are not", () => {
  const hypothesis = { annotations: [{ start: 0, end: 4, label: "seller" }] };
  const proposed = load(task({ ...params, hypothesis }), null);
  expect([...proposed.records.values()][0]?.hypothesis).toBe("proposed");
  expect(
    [...load(task({ ...params, hypothesis }), hypothesis).records.values()][0]?.hypothesis,
  ).toBeUndefined();
});
