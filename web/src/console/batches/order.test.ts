import fc from "fast-check";
import { expect, test } from "vitest";
import { moved } from "./order";

test("moving keeps every entry, puts one where it was told, and moving it back undoes it", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 20 }),
      fc.nat(19),
      fc.nat(19),
      (list, a, b) => {
        const [from, to] = [a % list.length, b % list.length];
        const after = moved(list, from, to);
        expect([...after].sort()).toEqual([...list].sort());
        expect(after[to]).toBe(list[from]);
        expect(moved(after, to, from)).toEqual(list);
      },
    ),
  );
});

test("places beyond the ends are the ends, and an entry that is not there moves nothing", () => {
  expect(moved(["a", "b", "c"], 0, 99)).toEqual(["b", "c", "a"]);
  expect(moved(["a", "b", "c"], 2, -5)).toEqual(["c", "a", "b"]);
  expect(moved(["a"], 7, 0)).toEqual(["a"]);
});
