/**
 * The one way to the server: openapi-fetch typed by the server's own OpenAPI document, with the session's cookie, its CSRF token and the mode.
 * When the session has ended, calls wait for the person to sign in again in the dialog over the page, and are then repeated.
 */

import createClient from "openapi-fetch";
import { apiError, Unreachable } from "./errors";
import type { components, paths } from "./schema";
import { type SessionInfo, sessionEnded, setSession, tellEnded, useSession } from "./session";

export type Schemas = components["schemas"];

const SAFE = new Set(["GET", "HEAD"]);

function prepared(request: Request): Request {
  const { info, mode } = useSession.getState();
  const made = new Request(request);
  if (!SAFE.has(made.method) && info?.csrf_token) made.headers.set("X-CSRF-Token", info.csrf_token);
  if (mode === "test") made.headers.set("X-Steelyard-Mode", "test");
  return made;
}

async function sent(request: Request): Promise<Response> {
  try {
    return await fetch(prepared(request.clone()));
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable(error instanceof Error ? error.message : String(error));
  }
}

/** `fetch` with the session's headers. 401 opens the sign-in dialog and the call is repeated once somebody is signed in. */
export async function sessionFetch(input: Request | string, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const answer = await sent(request);
  const signingIn = new URL(request.url).pathname === "/api/login";
  if (answer.status !== 401 || signingIn || useSession.getState().info === null) {
    if (answer.status !== 403 || answer.headers.get("X-Steelyard-Code") !== "csrf-refused") return answer;
    await refreshSession();
    return sent(request);
  }
  await sessionEnded();
  return sent(request);
}

/**
 * The same for calls that cannot wait for a person (the workbench keeps its work on the device meanwhile): 401 opens the dialog and is the
 * answer; the window hears `SIGNED_IN` when it is time to try again.
 */
export async function promptFetch(input: Request | string, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const asked = useSession.getState().info;
  const answer = await sent(request);
  if (answer.status === 403 && answer.headers.get("X-Steelyard-Code") === "csrf-refused") {
    await refreshSession();
    return sent(request);
  }
  if (answer.status !== 401) return answer;
  // somebody has signed in since this was sent
  if (useSession.getState().info !== asked) return sent(request);
  tellEnded();
  return answer;
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: sessionFetch });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; throws an ApiError that says what went wrong. */
export async function unwrap<T>(given: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await given;
  if (!response.ok) throw apiError(response.status, error, response.headers.get("x-request-id"));
  return data as T;
}

/** A call by path and JSON, for addresses that are built at run time (task types). */
export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  const answer = await sessionFetch(new Request(new URL(path, location.origin), init));
  const text = await answer.text();
  let decoded: unknown = text;
  try {
    decoded = text === "" ? null : JSON.parse(text);
  } catch {
    // Not JSON: the text itself is told.
  }
  if (!answer.ok) throw apiError(answer.status, decoded, answer.headers.get("x-request-id"));
  return decoded as T;
}

/** Who is signed in, or null. Never opens the dialog. */
export async function refreshSession(): Promise<SessionInfo | null> {
  let answer: Response;
  try {
    answer = await fetch("/api/session", { headers: { accept: "application/json" } });
  } catch (error) {
    throw new Unreachable(String(error));
  }
  if (answer.status === 401) {
    setSession(null);
    return null;
  }
  if (!answer.ok) throw apiError(answer.status, await answer.json().catch(() => null));
  const info = (await answer.json()) as SessionInfo;
  setSession(info);
  return info;
}

export async function signIn(credentials: Schemas["Login"]): Promise<SessionInfo> {
  const info = await unwrap(api.POST("/api/login", { body: credentials }));
  setSession(info);
  return info;
}

export async function signOut(): Promise<void> {
  await unwrap(api.POST("/api/logout"));
  setSession(null);
}
