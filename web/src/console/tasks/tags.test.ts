import { expect, test } from "vitest";
import { fitting } from "./tags";

test("tags are shown as long as they can be read beside each other, and the others are counted", () => {
  expect(fitting([])).toEqual({ shown: [], more: 0 });
  expect(fitting(["eu", "us", "ca"])).toEqual({ shown: ["eu", "us", "ca"], more: 0 });
  expect(fitting(["urgent", "eu", "us"])).toEqual({ shown: ["urgent", "eu"], more: 1 });
  expect(fitting(["northern-distribution-centre", "eu"])).toEqual({
    shown: ["northern-distribution-centre"],
    more: 1,
  });
});
