import fc from "fast-check";
import i18next from "i18next";
import { expect, test } from "vitest";
import type { OpenApi } from "../../api/queries";
import { startMessages, workMessages } from "../../i18n";
import { titleOf } from "./field";
import { labelText, labelTree } from "./labels";
import {
  blank,
  grouped,
  paramsSchema,
  resolved,
  type Schema,
  shownFirst,
  taskTypes,
  widgetOf,
} from "./schema";

const document: OpenApi = {
  paths: {
    "/v1/task/imageannotation": {
      post: {
        requestBody: {
          content: {
            "application/json": {
              schema: {
                allOf: [
                  { type: "object", properties: { project: {} } },
                  { $ref: "#/components/schemas/ImageParams" },
                ],
              },
            },
          },
        },
      },
    },
    "/v1/task/textcollection": {
      post: {
        requestBody: {
          content: {
            "application/json": {
              schema: {
                allOf: [
                  { type: "object", properties: { project: {} } },
                  { type: "object", title: "TextParams", properties: { fields: {}, attachments: {} } },
                ],
              },
            },
          },
        },
      },
    },
    "/v1/task/{task_id}": {},
  },
  components: {
    schemas: {
      ImageParams: {
        type: "object",
        required: ["attachment", "geometries"],
        properties: {
          attachment: { type: "string" },
          padding: { anyOf: [{ type: "integer", minimum: 0 }, { type: "null" }] },
          geometries: { description: "What to draw.", $ref: "#/components/schemas/Geometries" },
        },
      },
      Geometries: {
        type: "object",
        description: "Shapes.",
        properties: { box: { type: "object", properties: {} } },
      },
    },
  },
};

test("a type's params are found behind the references of its route", () => {
  expect(taskTypes(document)).toEqual(["imageannotation", "textcollection"]);
  const schema = paramsSchema("imageannotation", document) as Schema;
  expect(grouped(schema)).toEqual({ main: ["geometries"], more: ["padding"], each: ["attachment"] });
  const written = paramsSchema("textcollection", document) as Schema;
  expect(grouped(written)).toEqual({ main: ["fields"], more: [], each: ["attachments"] });
  expect(paramsSchema("knitting", document)).toBeUndefined();
});

test("what a field says of itself wins over what it refers to, and null is no alternative", () => {
  const { properties } = paramsSchema("imageannotation", document) as Schema;
  const geometries = resolved(properties?.geometries as Schema, document);
  expect(geometries.description).toBe("What to draw.");
  expect(widgetOf(geometries)).toBe("object");
  const padding = resolved(properties?.padding as Schema, document);
  expect([widgetOf(padding), padding.minimum]).toEqual(["number", 0]);
  expect(blank(geometries, document)).toEqual({});
});

test("of an object with many fields only what it needs and what it has is shown at first", () => {
  const properties = Object.fromEntries("abcdefghij".split("").map((name) => [name, { type: "string" }]));
  const many: Schema = { type: "object", properties, required: ["c"] };
  expect([...shownFirst(many, { h: "1" })]).toEqual(["c", "h"]);
  expect([...shownFirst({ properties: { a: {}, b: {} } }, {})]).toEqual(["a", "b"]);
});

test("labels as lines of text come back as they were", () => {
  const name = fc.stringMatching(/^[a-zäß](?:[a-z ]{0,8}[a-z])?$/);
  const tree = fc.letrec<{ node: unknown; tree: unknown[] }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      name,
      fc.record({ choice: name, subchoices: fc.array(tie("node"), { minLength: 1, maxLength: 3 }) }),
    ),
    tree: fc.array(tie("node"), { maxLength: 4 }),
  })).tree;
  fc.assert(
    fc.property(tree, (labels) => {
      const text = labelText(labels as never);
      expect(text).not.toBeNull();
      expect(labelTree(text as string)).toEqual(labels);
    }),
  );
});

test("labels that say more than their names are not squeezed into lines", () => {
  expect(labelText([{ choice: "cow", description: "gives milk" }])).toBeNull();
});

test("fields are named in the person's language, and as the wire names them where it has no word", async () => {
  await startMessages("de");
  await workMessages();
  const title = (name: string) => titleOf({ name }, i18next.t);
  expect(title("objects_to_annotate")).toBe("Zu markierende Objekte");
  expect(title("fields 2")).toBe("Felder 2");
  expect(title("camera_intrinsics")).toBe("Camera intrinsics");
  expect(titleOf({ name: "text", named: true }, i18next.t)).toBe("Text");
});
