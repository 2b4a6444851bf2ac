/** The work API as the workbench uses it: typed answers, and errors that say what to do next. */

import type { components } from "../api/schema";
import type { KeyMap, KeyStore } from "../commands/registry";
import type { MediaView, Remark, WireTask } from "../task-types/registry";

type Schemas = components["schemas"];
export type Draft = Schemas["WorkDraft"];

/** Leased work, with what servers may add to the plain claim. */
export interface Work {
  readonly slot: { readonly id: number; readonly step: number; readonly number: number };
  readonly lease_token: string;
  readonly lease_expires_at: string;
  readonly task: WireTask;
  readonly draft: { readonly revision: number; readonly body: unknown } | null;
  readonly stage: "label" | "review" | "training";
  readonly review: {
    readonly response: unknown;
    readonly previous_response?: unknown;
    readonly version: number;
    readonly answers?: readonly { readonly label: string; readonly response: unknown }[];
    readonly comments?: readonly Remark[];
  } | null;
  readonly comments: readonly Remark[];
  readonly previous_response: unknown;
  readonly instructions: {
    readonly version: number;
    readonly changed: boolean;
    readonly html: string;
  } | null;
  readonly media: readonly MediaView[];
}

export interface Filter {
  readonly projects?: string[];
  readonly types?: string[];
  readonly task_id?: string;
}

export type Verdict = "accept" | "fix" | "send_back";

export interface Submitted {
  readonly task_id: string;
  readonly repeated?: boolean;
  readonly feedback?: unknown;
}

/** The server did not answer, or not in time: try again later, nothing is known. */
export class Offline extends Error {}

/** The server refused; `code` is the stable name of the reason. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body: Readonly<Record<string, unknown>>,
  ) {
    super(message);
  }
}

/** Work, or why there is none: one of the server's words. */
export interface Claimed {
  readonly work: Work | null;
  readonly nothing: string;
}

export interface WorkCalls {
  claim(filter: Filter): Promise<Claimed>;
  held(): Promise<readonly { task_id: string; lease_token: string }[]>;
  get(token: string): Promise<Work>;
  heartbeat(token: string, activeSeconds: number): Promise<string>;
  saveDraft(
    token: string,
    baseRevision: number,
    body: unknown,
  ): Promise<{ revision: number; lease_expires_at: string }>;
  submit(token: string, response: unknown, activeSeconds: number): Promise<Submitted>;
  review(
    token: string,
    verdict: Verdict,
    given: { response?: unknown; comments?: readonly Remark[]; active_seconds: number },
  ): Promise<Submitted>;
  /** What came of an answer to a training task, with the right one. */
  feedback(token: string): Promise<unknown>;
  skip(token: string, reason: string): Promise<void>;
  release(token: string, leaving?: boolean): Promise<void>;
  readInstructions(project: string, version: number): Promise<void>;
  /** The person's own keys of commands. */
  readonly keys: KeyStore;
}

type Fetch = (path: string, init: RequestInit) => Promise<Response>;

async function read(answer: Response): Promise<Record<string, unknown>> {
  const text = await answer.text();
  try {
    const body: unknown = text === "" ? {} : JSON.parse(text);
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** `fetcher` adds the session's CSRF token; it rejects when there is no answer. */
export function workCalls(fetcher: Fetch): WorkCalls {
  async function call(method: string, path: string, body?: unknown, keepalive = false) {
    const init: RequestInit = { method, keepalive };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { "content-type": "application/json" };
    }
    let answer: Response;
    try {
      answer = await fetcher(path, init);
    } catch (error) {
      throw new Offline(error instanceof Error ? error.message : "no answer");
    }
    const given = await read(answer).catch(() => {
      throw new Offline("the answer broke off");
    });
    if (answer.ok) return given;
    if (answer.status >= 502 && answer.status <= 504) throw new Offline(`status ${answer.status}`);
    const text = given.detail ?? given.title ?? given.error ?? `status ${answer.status}`;
    throw new Refused(answer.status, String(given.code ?? ""), String(text), given);
  }
  const at = (token: string, verb = "") => `/api/work/${encodeURIComponent(token)}${verb}`;
  return {
    claim: async (filter) => {
      const given = await call("POST", "/api/work/claim", filter);
      return { work: asWork(given), nothing: String(given.nothing ?? "empty") };
    },
    held: async () => ((await call("GET", "/api/work")).leases ?? []) as never,
    get: async (token) => {
      const work = asWork(await call("GET", at(token)));
      if (work === null) throw new Refused(409, "lease-lost", "The lease has ended.", {});
      return work;
    },
    heartbeat: async (token, active_seconds) =>
      String((await call("POST", at(token, "/heartbeat"), { active_seconds })).lease_expires_at),
    saveDraft: async (token, base_revision, body) =>
      (await call("PUT", at(token, "/draft"), { base_revision, body })) as never,
    submit: async (token, response, active_seconds) =>
      (await call("POST", at(token, "/submit"), { response, active_seconds })) as never,
    review: async (token, verdict, given) =>
      (await call("POST", at(token, "/review"), { verdict, ...given })) as never,
    feedback: async (token) => call("GET", at(token, "/feedback")),
    skip: async (token, reason) => void (await call("POST", at(token, "/skip"), { reason })),
    release: async (token, leaving = false) => void (await call("POST", at(token, "/release"), {}, leaving)),
    readInstructions: async (project, version) =>
      void (await call("POST", `/api/projects/${encodeURIComponent(project)}/instructions/read`, {
        version,
      })),
    keys: {
      load: async () => ((await call("GET", "/api/me/keys")).keys ?? {}) as KeyMap,
      save: async (keys) => void (await call("PUT", "/api/me/keys", { keys })),
    },
  };
}

function asWork(given: Record<string, unknown>): Work | null {
  if (given.slot === null || given.slot === undefined) return null;
  const defaults = {
    stage: "label",
    review: null,
    comments: [],
    previous_response: null,
    instructions: null,
    media: [],
    draft: null,
  };
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  return { ...defaults, ...present } as unknown as Work;
}
