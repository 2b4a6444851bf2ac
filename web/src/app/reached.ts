/** Pages that cannot be fetched because the server is away: the application stays, and says so. */

import { Unreachable } from "../api/errors";

async function away(): Promise<boolean> {
  try {
    await fetch("/", { method: "HEAD", cache: "no-store" });
    return false;
  } catch {
    return true;
  }
}

/**
 * Fetches a page. The router reloads the window where a part of the application is missing, which is right after an update of the server;
 * without a server it would leave the browser's own error page in place of everything that is open.
 */
export function reached<T>(page: () => Promise<T>): () => Promise<T> {
  return async () => {
    try {
      return await page();
    } catch (error) {
      if (await away()) throw new Unreachable("the server is away");
      throw error;
    }
  };
}
