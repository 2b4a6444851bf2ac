import { expect, test } from "vitest";
import { byDay, lastDays } from "./days";

const NOON = Date.parse("2026-03-01T12:00:00Z");

test("the last days end today and cross months", () => {
  expect(lastDays(3, NOON)).toEqual(["2026-02-27", "2026-02-28", "2026-03-01"]);
});

test("figures of a day are added up and days without any are zero", () => {
  const items = [
    { day: "2026-02-27", n: 2 },
    { day: "2026-02-27", n: 3 },
    { day: null, n: 9 },
  ];
  expect(
    byDay(
      lastDays(3, NOON),
      items,
      (i) => i.day,
      (i) => i.n,
    ),
  ).toEqual([
    { name: "2026-02-27", value: 5 },
    { name: "2026-02-28", value: 0 },
    { name: "2026-03-01", value: 0 },
  ]);
});
