import { afterEach, expect, test, vi } from "vitest";
import { upload } from "./upload";

const MIB = 2 ** 20;

/** A server of uploads whose connection breaks at the requests that are numbered. */
function uploads(breaks: ReadonlySet<number>) {
  const got: number[] = [];
  let at = 0;
  let asked = 0;
  vi.stubGlobal("fetch", async (request: Request) => {
    const n = asked++;
    const headers: Record<string, string> = { Location: "http://elsewhere/api/uploads/u1" };
    if (request.method === "PATCH") {
      expect(Number(request.headers.get("Upload-Offset"))).toBe(at);
      const size = (await request.blob()).size;
      // half of the piece arrives before the connection breaks
      at += breaks.has(n) ? Math.floor(size / 2) : size;
      got.push(at);
    }
    if (breaks.has(n)) throw new TypeError("Failed to fetch");
    headers["Upload-Offset"] = String(at);
    return request.method === "GET" ? Response.json({ file_id: "f1" }) : new Response(null, { headers });
  });
  return got;
}

afterEach(() => vi.unstubAllGlobals());

test("a file goes on from where the server has come to when the connection breaks", async () => {
  const got = uploads(new Set([2, 3]));
  const seen: number[] = [];
  const file = new File([new Uint8Array(9 * MIB)], "tasks äöü.ndjson");
  const waits: number[] = [];
  const id = await upload(
    file,
    (bytes) => seen.push(bytes),
    async (ms) => waits.push(ms),
  );
  expect(id).toBe("f1");
  expect(got).toEqual([4 * MIB, 6 * MIB, 9 * MIB]);
  expect(seen).toEqual([4 * MIB, 9 * MIB]);
  expect(waits).toEqual([1000, 2000]);
});

test("what the server refuses is told at once", async () => {
  vi.stubGlobal("fetch", async () => Response.json({ error: "Too large." }, { status: 413 }));
  await expect(upload(new File(["x"], "x"), () => undefined)).rejects.toThrow("Too large.");
});
