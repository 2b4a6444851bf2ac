import { expect, test } from "vitest";
import { placeOf } from "./place";

const text = JSON.stringify(
  { annotations: [{ label: "a" }, { label: "b", "odd key": [1, 2] }], n: -1.5 },
  null,
  2,
);
const shown = (path: string) => {
  const place = placeOf(text, path);
  return place === null ? null : [text.slice(place.start, place.end), place.line];
};

test("a path leads to its value and the line on which it begins", () => {
  expect(shown("annotations[1].label")).toEqual(['"b"', 7]);
  expect(shown("annotations[1].odd key[1]")).toEqual(["2", 10]);
  expect(shown("n")).toEqual(["-1.5", 14]);
  expect(shown("")?.[1]).toBe(1);
});

test("a value that is missing leads to what should hold it", () => {
  expect(shown("annotations[0].left")).toEqual(['{\n      "label": "a"\n    }', 3]);
  expect(shown("nothing.at.all")?.[1]).toBe(1);
});

test("what is no JSON has no places", () => {
  expect(placeOf('{"a": ', "a")).toBeNull();
});
