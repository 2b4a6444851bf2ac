import fc from "fast-check";
import { expect, test } from "vitest";
import { blocksOf, placeSpans, segmentsOf, spansByBlock } from "./layout";
import { stepGrapheme, TextIndex, tidy, wordsOf } from "./offsets";

const text = fc.string({ unit: "grapheme", maxLength: 60 });

test("offsets in code points and in UTF-16 units lead to each other and cut alike", () => {
  fc.assert(
    fc.property(text, fc.nat(80), fc.nat(80), (given, a, b) => {
      const index = new TextIndex(given);
      const points = [...given];
      expect(index.length).toBe(points.length);
      const [start, end] = [Math.min(a, points.length), Math.min(b, points.length)].sort((x, y) => x - y) as [
        number,
        number,
      ];
      expect(index.point(index.unit(start))).toBe(start);
      expect(index.slice(start, end)).toBe(points.slice(start, end).join(""));
    }),
  );
});

test("a ship counts as one character and is never cut in two", () => {
  const index = new TextIndex("Zoë 🚢 sails");
  expect(index.point(6)).toBe(5);
  expect(index.unit(5)).toBe(6);
  expect(tidy(index.text, 5, 6)).toEqual([4, 6]);
});

test("a selection grows to whole letters with their accents and leaves blanks out", () => {
  const given = "a e\u0301t 👩‍👩‍👧 b";
  expect(tidy(given, 1, 3)).toEqual([2, 4]);
  expect(tidy(given, 7, 8)).toEqual([6, 14]);
  expect(tidy(given, 1, 2)).toBeNull();
  expect(tidy("  ", 0, 2)).toBeNull();
  expect(tidy("ab", 2, 0)).toEqual([0, 2]);
});

test("words are found in scripts with and without blanks", () => {
  expect(wordsOf("sold to Tomas.", 0, 14).map(([a, b]) => "sold to Tomas.".slice(a, b))).toEqual([
    "sold",
    "to",
    "Tomas",
    ".",
  ]);
  expect(wordsOf("東京に行く", 0, 5).length).toBeGreaterThan(1);
});

test("steps go from grapheme to grapheme, forth and back", () => {
  const given = "x👩‍👩‍👧e\u0301y";
  const stops = [0];
  while ((stops.at(-1) ?? 0) < given.length) stops.push(stepGrapheme(given, stops.at(-1) ?? 0, 1));
  expect(stops).toEqual([0, 1, 9, 11, 12]);
  expect(stepGrapheme(given, 9, -1)).toBe(1);
});

test("blocks and the breaks between them are the whole text", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("ab ", "\n", "\n\n", "🚢", "x".repeat(1600)), { maxLength: 20 }),
      fc.boolean(),
      (parts, merge) => {
        const given = parts.join("");
        const blocks = blocksOf(given, merge);
        let at = 0;
        for (const block of blocks) {
          expect(given.slice(at, block.start)).toMatch(/^[\n \t]*$/);
          expect(block.end).toBeGreaterThanOrEqual(block.start);
          expect(given.charCodeAt(block.start) >>> 10).not.toBe(0xdc00 >>> 10);
          at = block.end;
        }
        expect(at).toBe(given.length);
      },
    ),
  );
});

test("overlapping spans never share a lane, and segments carry just the spans over them", () => {
  const range = fc
    .tuple(fc.nat(30), fc.integer({ min: 1, max: 12 }))
    .map(([start, n]) => ({ start, end: start + n }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 15 }), (ranges) => {
      const placed = placeSpans(ranges.map((r, i) => ({ id: String(i), ...r })));
      for (const a of placed)
        for (const b of placed)
          if (a !== b && a.start < b.end && b.start < a.end) expect(a.lane).not.toBe(b.lane);
      const block = { start: 5, end: 35 };
      const segments = segmentsOf(block, spansByBlock([block], placed).get(0) ?? []);
      expect(segments.map((s) => s.end - s.start).reduce((a, b) => a + b, 0)).toBe(30);
      for (const segment of segments)
        expect(segment.spans.map((s) => s.id).sort()).toEqual(
          placed
            .filter((s) => s.start < segment.end && s.end > segment.start)
            .map((s) => s.id)
            .sort(),
        );
    }),
  );
});
