/** Every image type: an answer that is loaded and built again is the same, for golden answers and for those that the server makes up. */

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EMPTY_DOC } from "../../document/doc";
import type { MediaView, WireTask } from "../registry";
import { loadTaskType } from "../registry";

const TYPES = [
  "imageannotation",
  "annotation",
  "polygonannotation",
  "lineannotation",
  "pointannotation",
  "cuboidannotation",
  "laneannotation",
];
const FIXTURES = "../fixtures/task-types";

interface Case {
  readonly name: string;
  readonly type: string;
  readonly params: Record<string, unknown>;
  readonly response: Record<string, unknown>;
}

const cases: Case[] = TYPES.flatMap((type) =>
  readdirSync(`${FIXTURES}/${type}/valid`).map((file) => ({
    name: `${type}/${file}`,
    type,
    ...JSON.parse(readFileSync(`${FIXTURES}/${type}/valid/${file}`, "utf8")),
  })),
);

const media: MediaView[] = [
  { path: "attachment", url: "/media/x", role: "attachment", media: "image", width: 640, height: 480 },
];
const taskOf = (type: string, params: Record<string, unknown>): WireTask => ({ task_id: "t", type, params });

async function again(type: string, params: Record<string, unknown>, response: unknown): Promise<unknown> {
  const module = await loadTaskType(type);
  const task = taskOf(type, params);
  const doc = module.load(task, media, response);
  return JSON.parse(JSON.stringify(module.buildResponse(doc, task, media)));
}

/** Made-up answers of the server, and what it says to answers of ours. */
function server<T>(script: string, input: unknown): T {
  const program = `import json,sys,msgspec\nfrom steelyard.task_types import TASK_TYPES, MediaInfo\ngiven=json.load(sys.stdin)\n${script}`;
  const out = execFileSync("../.venv/bin/python", ["-c", program], {
    input: JSON.stringify(input),
    env: { ...process.env, PYTHONPATH: "../src" },
    maxBuffer: 1 << 28,
  });
  return JSON.parse(out.toString());
}

const MAKE = `
out=[]
for c in given:
    t=TASK_TYPES[c["type"]]
    p=t.parse_params(json.dumps(c["params"]).encode())
    out.append([t.test_answer(p,f"web-{i}",MediaInfo(640,480)).response for i in range(8)])
json.dump(out,sys.stdout)`;

const CHECK = `
out=[]
for c in given:
    t=TASK_TYPES[c["type"]]
    p=t.parse_params(json.dumps(c["params"]).encode())
    for a in c["answers"]:
        issues,stored=t.check_response(p,json.dumps(a).encode(),MediaInfo(640,480))
        out.append({"name":c["name"],"issues":[[i.path,i.message] for i in issues],"same":json.loads(stored)==a or "stored differs: "+stored.decode()[:600]})
json.dump(out,sys.stdout)`;

describe("golden answers", () => {
  test.each(cases)("$name comes back as it was", async ({ type, params, response }) => {
    expect(await again(type, params, response)).toEqual(response);
  });
});

test("answers that the server makes up come back as they were, and it takes ours unchanged", {
  timeout: 60_000,
}, async () => {
  const made = server<unknown[][]>(MAKE, cases);
  const ours: unknown[] = [];
  for (const [i, c] of cases.entries()) {
    const answers: unknown[] = [];
    for (const answer of made[i] ?? []) {
      const built = await again(c.type, c.params, answer);
      expect(built, c.name).toEqual(answer);
      answers.push(built);
    }
    ours.push({ ...c, answers });
  }
  const verdicts = server<{ name: string; issues: unknown[]; same: unknown }[]>(CHECK, ours);
  for (const verdict of verdicts) expect(verdict).toEqual({ name: verdict.name, issues: [], same: true });
});

test("every golden answer passes the quick checks and an empty one fails where something is asked", async () => {
  for (const c of cases) {
    const module = await loadTaskType(c.type);
    const task = taskOf(c.type, c.params);
    const unknownSize = media.map((m) => ({ ...m, width: null, height: null }));
    expect(module.check(module.load(task, media, c.response), task, unknownSize), c.name).toEqual([]);
  }
  const task = taskOf("cuboidannotation", { objects_to_annotate: ["crate"], min_annotations: 2 });
  const module = await loadTaskType("cuboidannotation");
  expect(module.check(EMPTY_DOC, task, media)).toHaveLength(1);
});
