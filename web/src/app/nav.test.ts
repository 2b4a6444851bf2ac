import { expect, test } from "vitest";
import { isForLeads } from "./nav";

test("the console is for leads, but for everybody's own settings", () => {
  expect(["/", "/work", "/console/settings"].filter(isForLeads)).toEqual([]);
  const pages = ["/console/tasks", "/console/tasks/abc", "/console/start", "/console/projects/new"];
  expect(pages.filter(isForLeads)).toEqual(pages);
});
