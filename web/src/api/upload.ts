/** Files sent in pieces by the tus protocol: a lost connection costs the piece that was under way, not the file. */

import { type Schemas, sessionFetch } from "./client";
import { apiError, Unreachable } from "./errors";

const PIECE_BYTES = 4 * 2 ** 20;
const TRIES = 8;
const TUS = { "Tus-Resumable": "1.0.0" };

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

async function asked(
  path: string,
  method: string,
  headers: Record<string, string>,
  body?: Blob,
): Promise<Response> {
  const init = { method, headers: { ...TUS, ...headers }, ...(body === undefined ? {} : { body }) };
  const answer = await sessionFetch(new URL(path, location.origin).href, init);
  if (!answer.ok) throw apiError(answer.status, await answer.json().catch(() => null));
  return answer;
}

/** Where the server wants to go on, in bytes. */
const offsetOf = (answer: Response): number => Number(answer.headers.get("Upload-Offset") ?? 0);

/**
 * Sends a file and gives its id. `onProgress` hears the bytes that have arrived. While there is no connection it tries again, later and later,
 * for about two minutes, and goes on from where the server has come to. Throws ApiError for what the server refuses.
 */
export async function upload(
  file: File,
  onProgress: (bytes: number) => void,
  wait: (ms: number) => Promise<unknown> = pause,
): Promise<string> {
  const made = await asked("/api/uploads", "POST", {
    "Upload-Length": String(file.size),
    "Upload-Metadata": `filename ${base64(file.name)},filetype ${base64(file.type || "application/x-ndjson")}`,
  });
  const path = new URL(made.headers.get("Location") ?? "", location.origin).pathname;
  let offset = 0;
  let failures = 0;
  while (offset < file.size) {
    try {
      if (failures > 0) offset = offsetOf(await asked(path, "HEAD", {}));
      if (offset < file.size) {
        const piece = file.slice(offset, offset + PIECE_BYTES);
        const type = "application/offset+octet-stream";
        offset = offsetOf(
          await asked(path, "PATCH", { "Upload-Offset": String(offset), "Content-Type": type }, piece),
        );
      }
      failures = 0;
      onProgress(offset);
    } catch (error) {
      if (!(error instanceof Unreachable) || ++failures > TRIES) throw error;
      await wait(500 * 2 ** Math.min(failures, 6));
    }
  }
  const view = (await (await asked(path, "GET", {})).json()) as Schemas["UploadView"];
  if (view.file_id === null) throw new Error("The server has the bytes, but no file.");
  return view.file_id;
}
