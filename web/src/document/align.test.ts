import { expect, test } from "vitest";
import { aligned, type Likeness, overlap } from "./align";
import { type Doc, EMPTY_DOC, putRecords } from "./doc";

const span = (id: string, label: string, start: number, end: number) => ({
  id,
  kind: "span",
  label,
  data: { start, end },
  attributes: {},
});
const doc = (...records: ReturnType<typeof span>[]): Doc => putRecords(...records)(EMPTY_DOC);
const like: Likeness = (a, b) => {
  const [x, y] = [a.data, b.data] as { start: number; end: number }[];
  return x === undefined || y === undefined ? 0 : overlap([x.start, x.end], [y.start, y.end]);
};

test("annotations in the same place are taken for the same, equal labels first, each once", () => {
  const base = doc(span("a", "seller", 0, 10), span("b", "buyer", 0, 10), span("c", "asset", 50, 60));
  const other = {
    ...doc(span("x", "buyer", 1, 10), span("y", "seller", 0, 9), span("z", "asset", 90, 99)),
    links: [{ id: "l", from: "x", to: "z", label: "owns" }],
  };
  const found = aligned(other, base, like);
  expect(found.order).toEqual(["b", "a", "z"]);
  expect(found.records.get("b")?.data).toEqual({ start: 1, end: 10 });
  expect(found.links[0]).toMatchObject({ from: "b", to: "z" });
});

test("what has the same id already stays as it is, and other kinds are never taken for each other", () => {
  const base = doc(span("a", "seller", 0, 10));
  const same = doc(span("a", "seller", 30, 40));
  expect(aligned(same, base, like)).toBe(same);
  const point = { ...span("p", "seller", 0, 10), kind: "point" };
  expect(aligned(doc(point), base, like).order).toEqual(["p"]);
});

test("without a measure only equal places are the same", () => {
  const base = doc(span("a", "seller", 0, 10));
  expect(aligned(doc(span("x", "buyer", 0, 10)), base).order).toEqual(["a"]);
  expect(aligned(doc(span("x", "buyer", 0, 9)), base).order).toEqual(["x"]);
});
