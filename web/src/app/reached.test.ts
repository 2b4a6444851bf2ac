import { afterEach, expect, test, vi } from "vitest";
import { Unreachable } from "../api/errors";
import { reached } from "./reached";

afterEach(() => vi.unstubAllGlobals());

const missing = new TypeError("Failed to fetch dynamically imported module");
const lost = reached(() => Promise.reject(missing));

test("a page that cannot be fetched without a server is told as that, so that nothing reloads", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(lost()).rejects.toBeInstanceOf(Unreachable);
});

test("a page that a server that is there does not have any more is left to the router", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response()));
  await expect(lost()).rejects.toBe(missing);
  await expect(reached(() => Promise.resolve(7))()).resolves.toBe(7);
});
