import fc from "fast-check";
import { expect, test } from "vitest";
import { diffLines, folded } from "./diff";

const text = (value: unknown) => (JSON.stringify(value, null, 2) ?? "").split("\n");

test("what is kept and gone is the old text, what is kept and new is the new one", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (before, after) => {
      const lines = diffLines(before, after);
      expect(lines.filter((l) => l.kind !== "new").map((l) => l.text)).toEqual(text(before));
      expect(lines.filter((l) => l.kind !== "gone").map((l) => l.text)).toEqual(text(after));
    }),
  );
});

test("one changed line is one line gone and one new, and the rest is folded", () => {
  const before = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`key${i}`, i]));
  const lines = diffLines(before, { ...before, key15: "changed" });
  expect(lines.filter((l) => l.kind !== "same").map((l) => l.text.trim())).toEqual([
    '"key15": 15,',
    '"key15": "changed",',
  ]);
  const short = folded(lines);
  expect(short.filter((l) => l === null)).toHaveLength(2);
  expect(short.length).toBeLessThan(12);
});

test("equal values have no difference to show", () => {
  expect(folded(diffLines({ a: 1 }, { a: 1 }))).toEqual([null]);
});
