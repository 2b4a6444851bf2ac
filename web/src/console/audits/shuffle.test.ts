import { expect, test } from "vitest";
import { shuffled } from "./shuffle";

const list = Array.from({ length: 50 }, (_, i) => i);

test("a shuffle keeps everything, repeats with its seed, and differs with another", () => {
  expect([...shuffled(list, 1)].sort((a, b) => a - b)).toEqual(list);
  expect(shuffled(list, 1)).toEqual(shuffled(list, 1));
  expect(shuffled(list, 1)).not.toEqual(shuffled(list, 2));
});

test("every place is about equally likely for the first", () => {
  const counts = new Array(5).fill(0);
  for (let seed = 0; seed < 2000; seed++) counts[shuffled([0, 1, 2, 3, 4], seed).indexOf(0)]++;
  for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(90);
});
