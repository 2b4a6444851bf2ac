import { expect, test } from "vitest";
import { outlines, summary } from "./outline";

test("boxes, polygons, lines and points of an answer are drawn, and what has no geometry is left out", () => {
  const found = outlines({
    annotations: [
      { type: "box", label: "cow", left: 1, top: 2, width: 30, height: 40 },
      {
        type: "polygon",
        label: "field",
        vertices: [
          { x: 0, y: 0 },
          { x: 9, y: 0 },
          { x: 9, y: 9 },
        ],
      },
      {
        type: "line",
        label: "lane",
        vertices: [
          { x: 0, y: 0 },
          { x: 5, y: 5 },
        ],
      },
      { type: "point", label: "eye", x: 7, y: 8 },
      { type: "box", label: "broken", left: "1", top: null },
      null,
    ],
  });
  expect(found.map((outline) => [outline.label, outline.closed])).toEqual([
    ["cow", true],
    ["field", true],
    ["lane", false],
    ["eye", false],
  ]);
  expect(found[0]?.path).toBe("M1 2h30v40h-30Z");
  expect(outlines({ category: "cat" })).toEqual([]);
  expect(outlines(null)).toEqual([]);
});

test("an answer of a form is told by its first fields", () => {
  expect(summary({ category: "cat", note: "", list: ["a"] })).toEqual([
    ["category", "cat"],
    ["list", '["a"]'],
  ]);
  expect(summary([1, 2])).toEqual([]);
});
