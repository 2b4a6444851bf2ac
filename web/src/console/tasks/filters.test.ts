import { expect, test } from "vitest";
import { filterCount, taskFilters, withFilter } from "./filters";

test("an address gives the filters that it names and nothing else", () => {
  expect(
    taskFilters({ project: "cows", status: "pending", tags: ["a", ""], admin: "1", unique_id: 42 }),
  ).toEqual({
    project: "cows",
    status: ["pending"],
    tags: ["a"],
    unique_id: ["42"],
  });
});

test("an empty value takes a filter away and another project its batch", () => {
  const before = taskFilters({ project: "cows", batch: "monday", status: ["error"] });
  expect(withFilter(before, "status", [])).toEqual({ project: "cows", batch: "monday" });
  expect(withFilter(before, "project", "pigs")).toEqual({ project: "pigs", status: ["error"] });
  expect(filterCount(before)).toBe(3);
});
