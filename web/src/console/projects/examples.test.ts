import { expect, test } from "vitest";
import { hasEditor, loadTaskType } from "../../task-types/registry";
import { exampleOf } from "./examples";
import EXAMPLES from "./examples.json";
import { sampleMedia, withSample } from "./sample";

test.each(Object.keys(EXAMPLES))("the preview of a new %s project opens on its example", async (type) => {
  const params = withSample(type, exampleOf(type, "Look closely.") ?? {});
  const media = sampleMedia(type, params);
  const task = { task_id: "preview", type, params };
  const module = await loadTaskType(type);
  const doc = module.load(task, media, null);
  // nothing has been answered yet, and what there is can be made into a response
  expect(doc.order).toEqual([]);
  if (hasEditor(type)) expect(() => module.buildResponse(doc, task, media)).not.toThrow();
});
