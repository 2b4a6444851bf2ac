import i18next from "i18next";
import { beforeAll, expect, test } from "vitest";
import { setLanguage, startMessages, workMessages } from "../../i18n";
import { linesOf } from "./acts";

beforeAll(async () => {
  await startMessages("en");
  await workMessages();
});

const said = (detail: unknown) => linesOf(detail, i18next.t).map(({ label, text }) => `${label}: ${text}`);

test("a changed workflow is told by what differs, with both values and in words", () => {
  const before = { overlap: 1, review_stages: [], daily_cap: null, pause_below_bar: true, tolerance: 0.8 };
  const settings = {
    ...before,
    overlap: 2,
    review_stages: [{ sample: 0.5 }, { sample: 1 }],
    daily_cap: 1500,
  };
  expect(said({ mode: "live", project: "Cups", before, settings })).toEqual([
    "project: Cups",
    "People per task: 1 → 2",
    "Stages of review: none → share 50%, share 100%",
    "Daily limit: – → 1,500",
  ]);
  expect(said({ mode: "live", project: "Cups", before, settings: before })).toEqual([
    "project: Cups",
    ": Nothing was changed.",
  ]);
});

test("what is older is told as a whole, and lists and flags are no JSON", () => {
  expect(said({ mode: "test", settings: { pause_below_bar: false, tolerance: 0.8 } })).toEqual([
    "mode: Test",
    "Take contributors below the bar off the project: No",
    "Score that passes: 80%",
  ]);
  expect(said({ emails: ["a@b.example", "c@d.example"], role: "labeler", secure_result_urls: true })).toEqual(
    ["e-mails: a@b.example, c@d.example", "role: Labeler", "secure result urls: Yes"],
  );
  expect(said(null)).toEqual([]);
});

test("the words are those of the language", async () => {
  await setLanguage("de");
  expect(said({ before: { overlap: 1 }, settings: { overlap: 2 } })).toEqual(["Menschen je Aufgabe: 1 → 2"]);
  await setLanguage("en");
});
