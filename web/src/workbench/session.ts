/** The stream of work of one person: what is open, what comes next (fetched ahead, so that it opens at once), and what happens when there is none. */

import i18next from "i18next";
import {
  type Filter,
  Offline,
  Refused,
  type Submitted,
  type Verdict,
  type Work,
  type WorkCalls,
} from "./calls";
import type { LocalDraft, LocalDrafts } from "./local";
import { draftKey, type Ending, OpenWork } from "./open";
import { Windows } from "./windows";

export type SessionState =
  | { readonly kind: "starting" }
  | { readonly kind: "open"; readonly open: OpenWork; readonly waiting: boolean; readonly busy: boolean }
  | { readonly kind: "feedback"; readonly open: OpenWork; readonly submitted: Submitted }
  /** Another window of this browser went on with the work. */
  | { readonly kind: "elsewhere" }
  | { readonly kind: "empty"; readonly nothing: string }
  | { readonly kind: "failed"; readonly message: string; readonly offline: boolean };

const LOOK_AGAIN_MS = 15_000;
const RETRY_MS = 3000;
/** Which task this very window works on: a reload goes on with it, though what was fetched ahead is leased, too. */
const OPEN_HERE = "steelyard.open";

export class WorkSession {
  state: SessionState = { kind: "starting" };
  /** Submitted since the page was opened, and when the last one was. */
  done = 0;
  /** The last failure of a verb, told to the person until the next verb. */
  failure: string | null = null;
  /** Work of this person that is only on this device: leases that ended while there was no network. */
  stranded: readonly LocalDraft[] = [];
  /** View settings and tools that live on from task to task, by type. */
  readonly memories = new Map<string, Map<string, unknown>>();
  #next: Promise<OpenWork | null> | null = null;
  /** Leases from before a reload that have not been opened again. */
  #left: Work[] = [];
  #windows: Windows | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listeners = new Set<() => void>();
  #version = 0;
  #closed = false;

  constructor(
    private readonly calls: WorkCalls,
    private readonly local: LocalDrafts,
    private readonly member: string,
    private readonly filter: Filter,
    /** Whether to fetch ahead; not where one certain task was asked for. */
    private readonly ahead: boolean,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Changes with every change of anything below. */
  snapshot = (): number => this.#version;

  /** Goes on with what is held already, or claims. */
  async start(): Promise<void> {
    this.#windows ??= new Windows((key) => this.#standBack(key));
    void this.local.sweep(Date.now()).catch(() => undefined);
    try {
      const [first, ...left] = await this.#held();
      if (first === undefined) {
        await this.#claim();
        return;
      }
      this.#left = left;
      const taken = await this.#windows.take(draftKey(this.member, first));
      // the other window may have sent more while standing back
      this.#show(await this.#load(taken ? await this.calls.get(first.lease_token) : first));
    } catch (error) {
      this.#failed(error, () => void this.start());
    }
  }

  /** The page is left: what was fetched ahead goes back to the queue, what is open stays leased for a reload. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#windows?.close();
    void this.#next?.then((next) => next?.release(true));
    this.#next = null;
    if (this.state.kind === "open") {
      void this.state.open.outbox.flush();
      this.state.open.stop();
    }
  }

  memory(type: string): Map<string, unknown> {
    const known = this.memories.get(type) ?? new Map<string, unknown>();
    this.memories.set(type, known);
    return known;
  }

  submit = (): Promise<void> => this.#end((open) => open.submit(), true);

  review = (verdict: Verdict): Promise<void> => this.#end((open) => open.review(verdict), verdict === "fix");

  skip = (reason: string): Promise<void> => this.#end((open) => open.skip(reason), false);

  /** Gives the open work back and claims other work. */
  async release(): Promise<void> {
    if (this.state.kind !== "open") return;
    await this.state.open.release();
    await this.#advance();
  }

  /** Asks again for the open work after its lease has ended. */
  async reclaim(): Promise<void> {
    if (this.state.kind !== "open") return;
    this.failure = (await this.state.open.reclaim()) ? null : i18next.t("workbench.notYours");
    this.#tell();
  }

  /** Stops trying a submission that got no answer. */
  takeBack(): void {
    if (this.state.kind === "open") this.#set({ ...this.state, waiting: false });
  }

  /** Notes that a version of a project's instructions was read; losing that only shows them again. */
  async readInstructions(project: string, version: number): Promise<void> {
    await this.calls.readInstructions(project, version).catch(() => undefined);
  }

  /** Goes on after feedback was read. */
  async proceed(): Promise<void> {
    await this.#advance();
  }

  /** Looks for work now. */
  async look(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      await this.#claim();
    } catch (error) {
      this.#failed(error, () => void this.look());
    }
  }

  async #end(verb: (open: OpenWork) => Promise<Ending>, checked: boolean): Promise<void> {
    const { state } = this;
    if (state.kind !== "open" || state.busy) return;
    const { open } = state;
    this.failure = null;
    if (open.store.inGesture) open.store.commit();
    if (checked && open.check().length > 0) return;
    this.#set({ ...state, busy: true });
    const ending = await verb(open);
    if (this.#closed) return;
    if (ending.kind === "done") {
      this.done += 1;
      if (ending.submitted.feedback !== undefined && ending.submitted.feedback !== null)
        this.#set({ kind: "feedback", open, submitted: ending.submitted });
      else await this.#advance();
      return;
    }
    if (ending.kind === "failed") this.failure = ending.message;
    this.#set({ kind: "open", open, busy: false, waiting: ending.kind === "waiting" });
    if (ending.kind === "waiting")
      this.#timer = setTimeout(() => {
        if (this.state.kind === "open" && this.state.waiting && this.state.open === open)
          void this.#end(verb, false);
      }, RETRY_MS);
  }

  async #advance(): Promise<void> {
    const next = this.#next;
    this.#next = null;
    try {
      const ready = await next;
      if (ready !== null && ready !== undefined && ready.leaseExpiresAt > Date.now()) this.#show(ready);
      else await this.#claim();
    } catch (error) {
      this.#failed(error, () => void this.#advance());
    }
  }

  async #claim(): Promise<void> {
    const { work, nothing } = await this.calls.claim(this.filter);
    if (this.#closed) return;
    if (work !== null) {
      this.#show(await this.#load(work));
      return;
    }
    this.stranded = await this.local.unsaved(this.member).catch(() => []);
    this.#set({ kind: "empty", nothing });
    if (this.filter.task_id === undefined) this.#timer = setTimeout(() => void this.look(), LOOK_AGAIN_MS);
  }

  async #claimed(): Promise<Work | null> {
    return (await this.calls.claim(this.filter)).work;
  }

  #load(work: Work): Promise<OpenWork> {
    return OpenWork.open(work, this.member, this.calls, this.local, this.#tell);
  }

  #show(open: OpenWork): void {
    if (this.#closed) return;
    open.start();
    sessionStorage.setItem(OPEN_HERE, open.work.task.task_id);
    this.#set({ kind: "open", open, busy: false, waiting: false });
    if (this.ahead) this.#fetchAhead();
  }

  #fetchAhead(): void {
    const left = this.#left.shift();
    this.#next ??= (left === undefined ? this.#claimed() : Promise.resolve(left))
      .then((work) => (work === null ? null : this.#load(work)))
      .then((open) => {
        if (open !== null) warm(open);
        return open;
      })
      .catch(() => null);
  }

  /** Leases that fit what was asked for: what this window had open, then the oldest, for what comes ahead is leased later. */
  async #held(): Promise<Work[]> {
    const here = sessionStorage.getItem(OPEN_HERE);
    const leases = [...(await this.calls.held())].reverse();
    leases.sort((a, b) => Number(b.task_id === here) - Number(a.task_id === here));
    const found = await Promise.all(
      leases.map(({ lease_token }) => this.calls.get(lease_token).catch(() => null)),
    );
    return found.flatMap((work) => (work !== null && this.#fits(work) ? [work] : []));
  }

  #standBack(key: string): Promise<void> | null {
    const { state } = this;
    if (state.kind !== "open" || draftKey(this.member, state.open.work) !== key) return null;
    const next = this.#next;
    this.#next = null;
    this.#set({ kind: "elsewhere" });
    return (async () => {
      await state.open.leave();
      await (await next)?.release();
    })();
  }

  #fits(work: Work): boolean {
    const { projects, types, task_id } = this.filter;
    if (task_id !== undefined && work.task.task_id !== task_id) return false;
    if (projects !== undefined && !projects.includes(work.task.project ?? "")) return false;
    return types === undefined || types.includes(work.task.type);
  }

  #failed(error: unknown, again: () => void): void {
    if (this.#closed) return;
    const offline = error instanceof Offline || (error instanceof Refused && error.status === 401);
    this.#set({ kind: "failed", message: error instanceof Error ? error.message : String(error), offline });
    if (offline) this.#timer = setTimeout(again, RETRY_MS);
  }

  #set(state: SessionState): void {
    this.state = state;
    this.#tell();
  }

  #tell = (): void => {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  };
}

/** Brings the pictures of coming work into the browser's cache. */
function warm(open: OpenWork): void {
  for (const file of open.work.media.slice(0, 4))
    if (file.media === "image" && (file.size_bytes ?? 0) < 30_000_000) new Image().src = file.url;
}
