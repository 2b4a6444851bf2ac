/** One piece of work that is open: its document, drafts, lease, remarks; and the verbs that end it. */

import { SIGNED_IN } from "../api/session";
import { aligned } from "../document/align";
import type { Doc } from "../document/doc";
import { type DocJson, EMPTY_DOC, fromJson, toJson } from "../document/doc";
import { DocumentStore } from "../document/store";
import {
  type Issue,
  loadTaskType,
  type Pointed,
  type Remark,
  type TaskTypeModule,
} from "../task-types/registry";
import { Activity } from "./activity";
import { Offline, Refused, type Submitted, type Verdict, type Work, type WorkCalls } from "./calls";
import type { LocalDrafts } from "./local";
import { Outbox } from "./outbox";

interface DraftBody {
  readonly doc: DocJson;
  readonly remarks: readonly Remark[];
}

export type Ending =
  | { readonly kind: "done"; readonly submitted: Submitted }
  | { readonly kind: "issues"; readonly issues: readonly Issue[] }
  /** No answer yet: the submission is tried again until it is acknowledged or taken back. */
  | { readonly kind: "waiting" }
  | { readonly kind: "failed"; readonly message: string };

/** Another answer to compare with: the one that was given, the version before it, or one of several contributors'. */
export interface Comparison {
  readonly id: "given" | "previous" | "other";
  /** The name of a contributor's answer. */
  readonly name: string;
  readonly doc: Doc;
}

const HEARTBEAT_MS = 60_000;
/** After one that did not arrive: the browser says that it is online before anything can be reached. */
const HEARTBEAT_AGAIN_MS = 5_000;

export class OpenWork {
  readonly store: DocumentStore;
  readonly before: Doc | null;
  readonly outbox: Outbox;
  readonly activity: Activity;
  remarks: readonly Remark[];
  issues: readonly Issue[] = [];
  /** Which of the issues is told now, and the one that the editor is to show. */
  issueAt = 0;
  pointed: Pointed | null = null;
  leaseExpiresAt: number;
  leaseToken: string;
  #seen: Doc;
  #stops: (() => void)[] = [];
  #again: ReturnType<typeof setTimeout> | undefined;

  private constructor(
    readonly work: Work,
    readonly type: TaskTypeModule,
    readonly member: string,
    private readonly calls: WorkCalls,
    private readonly changed: () => void,
    local: LocalDrafts,
    start: {
      doc: Doc;
      before: Doc | null;
      remarks: readonly Remark[];
      base: number;
      seconds: number;
      unsaved: boolean;
    },
  ) {
    this.store = new DocumentStore(start.doc);
    this.before = start.before;
    this.remarks = start.remarks;
    this.activity = new Activity(start.seconds);
    this.leaseToken = work.lease_token;
    this.leaseExpiresAt = Date.parse(work.lease_expires_at);
    this.#seen = start.doc;
    this.outbox = new Outbox({
      calls,
      local,
      key: draftKey(member, work),
      taskId: work.task.task_id,
      token: () => this.leaseToken,
      body: () => this.#body(),
      activeSeconds: () => this.activity.seconds,
      baseRevision: start.base,
      onLease: (expiresAt) => this.#extend(expiresAt),
      onLeaseLost: () => void this.reclaim(),
      onState: changed,
    });
    if (start.unsaved) this.outbox.resume();
  }

  /** Loads the editor and the newest draft, this device's or the server's. */
  static async open(
    work: Work,
    member: string,
    calls: WorkCalls,
    local: LocalDrafts,
    changed: () => void,
  ): Promise<OpenWork> {
    const type = await loadTaskType(work.task.type);
    const answer = work.review?.response ?? work.previous_response ?? null;
    const loaded = type.load(work.task, work.media, answer);
    const before = answer === null ? null : loaded;
    const mine = await local.get(draftKey(member, work)).catch(() => undefined);
    const server = work.draft;
    const start = {
      doc: loaded,
      before,
      remarks: [] as readonly Remark[],
      base: server?.revision ?? 0,
      seconds: 0,
      unsaved: false,
    };
    const take = (body: unknown): void => {
      const draft = asDraft(body);
      if (draft === null) return;
      start.doc = fromJson(draft.doc);
      start.remarks = draft.remarks;
    };
    if (server !== null) take(server.body);
    if (mine !== undefined) {
      start.seconds = mine.activeSeconds;
      if (mine.unsaved) {
        // sent on its own base: if the server has gone on since, both versions are shown
        take(mine.body);
        start.base = mine.baseRevision;
        start.unsaved = true;
      }
    }
    return new OpenWork(work, type, member, calls, changed, local, start);
  }

  /** From now on it is on the screen: changes are kept, the lease is renewed. */
  start(): void {
    const stopStore = this.store.subscribe(() => {
      if (this.store.doc === this.#seen || this.store.inGesture) return;
      this.#seen = this.store.doc;
      if (this.issues.length > 0) this.#mended();
      this.outbox.changed();
      this.changed();
    });
    const beat = setInterval(() => void this.#heartbeat(), HEARTBEAT_MS);
    const back = (): void => {
      this.outbox.retry();
      void this.#heartbeat();
    };
    const hide = (): void => {
      if (document.visibilityState === "hidden") void this.outbox.flush();
      else back();
    };
    const leave = (): void => void this.outbox.keep();
    window.addEventListener("online", back);
    window.addEventListener(SIGNED_IN, back);
    window.addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", hide);
    this.#stops = [
      stopStore,
      this.activity.listen(window),
      () => clearInterval(beat),
      () => clearTimeout(this.#again),
      () => window.removeEventListener("online", back),
      () => window.removeEventListener(SIGNED_IN, back),
      () => window.removeEventListener("pagehide", leave),
      () => document.removeEventListener("visibilitychange", hide),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }

  setRemarks(remarks: readonly Remark[]): void {
    this.remarks = remarks;
    this.outbox.changed();
    this.changed();
  }

  /** Takes the other version of a conflict into the document. */
  takeTheirs(): void {
    const draft = asDraft(this.outbox.settle("theirs"));
    if (draft === null) return;
    this.#seen = fromJson(draft.doc);
    this.remarks = draft.remarks;
    this.store.replace(this.#seen, "workbench.tookTheirs");
    this.changed();
  }

  /** What the document can be compared with, the usual one first; annotations in the same place have the same ids. */
  comparisons(): readonly Comparison[] {
    const { before, type, work } = this;
    if (before === null) return [];
    const load = (answer: unknown): Doc =>
      aligned(type.load(work.task, work.media, answer), before, type.likeness);
    const { previous_response: previous = null, answers = [] } = work.review ?? {};
    return [
      { id: "given", name: "", doc: before },
      ...(previous === null ? [] : [{ id: "previous", name: "", doc: load(previous) } as const]),
      ...answers.map(
        ({ label, response }): Comparison => ({ id: "other", name: label, doc: load(response) }),
      ),
    ];
  }

  /** What the editor finds wrong, told before the server is asked. */
  check(): readonly Issue[] {
    this.#tell(this.#found());
    return this.issues;
  }

  /** Shows the issue that is told now, or the one that comes so many after it. */
  point(by = 0): void {
    const { length } = this.issues;
    if (length === 0) return;
    this.issueAt = (this.issueAt + by + length) % length;
    const issue = this.issues[this.issueAt];
    this.pointed = issue === undefined ? null : { issue };
    this.changed();
  }

  #found(): readonly Issue[] {
    return this.type.check(this.store.doc, this.work.task, this.work.media);
  }

  #tell(issues: readonly Issue[]): void {
    this.issues = issues;
    this.issueAt = 0;
    this.pointed = null;
    if (issues.length > 0) this.point();
    else this.changed();
  }

  /** Leaves of the issues those that are still there; what only the server finds is looked for by it, the next time. */
  #mended(): void {
    const told = new Set(this.issues.map(placeOf));
    this.issues = this.#found().filter((issue) => told.has(placeOf(issue)));
    this.issueAt = Math.min(this.issueAt, Math.max(0, this.issues.length - 1));
  }

  async submit(): Promise<Ending> {
    return this.#end(async () => {
      const submitted = await this.calls.submit(this.leaseToken, this.#response(), this.activity.seconds);
      if (this.work.stage !== "training") return submitted;
      // without it the next task simply opens: the answer itself has been taken
      const feedback = await this.calls.feedback(this.leaseToken).catch(() => null);
      return { ...submitted, feedback };
    });
  }

  async review(verdict: Verdict): Promise<Ending> {
    const given = {
      ...(verdict === "fix" ? { response: this.#response() } : {}),
      comments: this.remarks.map(({ annotation_id = null, at = null, text }) => ({
        annotation_id,
        at,
        text,
      })),
      active_seconds: this.activity.seconds,
    };
    return this.#end(() => this.calls.review(this.leaseToken, verdict, given));
  }

  async skip(reason: string): Promise<Ending> {
    return this.#end(async () => {
      await this.outbox.flush();
      await this.calls.skip(this.leaseToken, reason);
      return { task_id: this.work.task.task_id };
    });
  }

  /** Keeps and sends everything and lets go of the work, which stays leased: another window goes on with it. */
  async leave(): Promise<void> {
    await this.outbox.flush();
    await this.outbox.close(false);
    this.stop();
  }

  /** Gives the work back; the draft stays, here and at the server. */
  async release(leaving = false): Promise<void> {
    if (!leaving) await this.outbox.flush();
    await this.calls.release(this.leaseToken, leaving).catch(() => undefined);
    await this.outbox.close(false);
    this.stop();
  }

  /** Asks for the same work again after its lease has ended; the person may have it on another device by now. */
  async reclaim(): Promise<boolean> {
    try {
      const { task_id } = this.work.task;
      const mine = (await this.calls.held()).find((lease) => lease.task_id === task_id);
      const again =
        mine === undefined
          ? (await this.calls.claim({ task_id })).work
          : await this.calls.get(mine.lease_token);
      if (again === null || again.slot.step !== this.work.slot.step) return false;
      this.leaseToken = again.lease_token;
      this.#extend(again.lease_expires_at);
      this.outbox.reclaimed(again.draft?.revision ?? 0, again.draft?.body ?? null);
      return true;
    } catch {
      return false;
    } finally {
      this.changed();
    }
  }

  async #end(verb: () => Promise<Submitted>): Promise<Ending> {
    try {
      const submitted = await verb();
      await this.outbox.close(true);
      this.stop();
      return { kind: "done", submitted };
    } catch (error) {
      if (error instanceof Offline || (error instanceof Refused && error.status === 401))
        return { kind: "waiting" };
      if (error instanceof Refused && error.code === "invalid-response") {
        this.#tell(asIssues(error.body.issues, error.message));
        return { kind: "issues", issues: this.issues };
      }
      if (error instanceof Refused && error.code === "lease-lost" && (await this.reclaim()))
        return this.#end(verb);
      return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
    }
  }

  async #heartbeat(): Promise<void> {
    clearTimeout(this.#again);
    try {
      this.#extend(await this.calls.heartbeat(this.leaseToken, this.activity.seconds));
    } catch (error) {
      if (error instanceof Refused && error.status < 500) {
        if (error.status !== 401) await this.reclaim();
      } else if (this.#stops.length > 0) {
        this.#again = setTimeout(() => void this.#heartbeat(), HEARTBEAT_AGAIN_MS);
      }
    }
  }

  #extend(expiresAt: string): void {
    const until = Date.parse(expiresAt);
    if (!Number.isNaN(until)) this.leaseExpiresAt = until;
    this.changed();
  }

  #response(): unknown {
    return this.type.buildResponse(this.store.doc, this.work.task, this.work.media);
  }

  #body(): DraftBody {
    return { doc: toJson(this.store.doc), remarks: this.remarks };
  }
}

export function draftKey(member: string, work: Work): string {
  return `${member}/${work.task.task_id}/${work.slot.step}`;
}

export function asDraft(body: unknown): DraftBody | null {
  if (typeof body !== "object" || body === null || !("doc" in body)) return null;
  const given = body as Partial<DraftBody>;
  if (given.doc?.version !== 1 || !Array.isArray(given.doc.records)) return null;
  return { doc: { ...toJson(EMPTY_DOC), ...given.doc }, remarks: given.remarks ?? [] };
}

const placeOf = ({ record = "", field = "" }: Issue): string => `${record} ${field}`;

/** The server's issues; their paths (`annotations[3].label`) are places in the response. */
function asIssues(given: unknown, message: string): readonly Issue[] {
  if (!Array.isArray(given) || given.length === 0) return [{ message }];
  return given.map((issue: { path?: string; message?: string }) => ({
    message: [issue.path, issue.message].filter(Boolean).join(": "),
    ...(issue.path === undefined ? {} : { field: issue.path }),
  }));
}
