/**
 * The way of a change to the server: noted on this device at once, sent soon, acknowledged with a revision. Whatever goes wrong on the way,
 * the change stays on the device and is sent again; two versions of one draft are shown to the person, never merged in silence.
 */

import { Refused, type WorkCalls } from "./calls";
import type { LocalDraft } from "./local";

export type SaveState =
  | "saved"
  | "saving"
  /** On this device only: no connection. */
  | "local"
  /** On this device only: the session has ended. */
  | "signed-out"
  | "conflict"
  | "lease-lost"
  /** Not even this device keeps it (its storage is full or forbidden), only this page. */
  | "page-only";

export interface Conflict {
  readonly mine: unknown;
  readonly theirs: unknown;
  readonly revision: number;
}

export interface LocalStore {
  put(draft: LocalDraft): Promise<void>;
  remove(key: string): Promise<void>;
}

export interface OutboxGiven {
  readonly calls: Pick<WorkCalls, "saveDraft">;
  readonly local: LocalStore;
  readonly key: string;
  readonly taskId: string;
  readonly token: () => string;
  /** The draft as it is now. */
  readonly body: () => unknown;
  readonly activeSeconds: () => number;
  readonly baseRevision: number;
  readonly onLease: (expiresAt: string) => void;
  readonly onLeaseLost: () => void;
  readonly onState: () => void;
}

const LOCAL_AFTER_MS = 150;
const SEND_AFTER_MS = 800;
const RETRY_MS = [1000, 2000, 4000, 8000, 15000, 30000];

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

export class Outbox {
  state: SaveState = "saved";
  conflict: Conflict | null = null;
  #base: number;
  /** Counts changes; what is behind it is not sent, or not kept, yet. */
  #changes = 0;
  #kept = 0;
  #sent = 0;
  #sending: Promise<void> | null = null;
  #lastSent: unknown;
  #failures = 0;
  #localTimer: ReturnType<typeof setTimeout> | undefined;
  #sendTimer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(readonly given: OutboxGiven) {
    this.#base = given.baseRevision;
  }

  get revision(): number {
    return this.#base;
  }

  /** Changes that the server has not acknowledged. */
  get unsaved(): boolean {
    return this.#sent < this.#changes;
  }

  /** The document has changed. */
  changed(): void {
    if (this.#closed) return;
    this.#changes += 1;
    this.#to(this.state === "saved" ? "saving" : this.state);
    clearTimeout(this.#localTimer);
    this.#localTimer = setTimeout(() => void this.keep(), LOCAL_AFTER_MS);
    if (this.state === "saving" && this.#sending === null) this.#schedule(SEND_AFTER_MS);
  }

  /** Writes to this device what is not there yet. */
  async keep(): Promise<void> {
    clearTimeout(this.#localTimer);
    if (this.#closed || this.#kept === this.#changes) return;
    const count = this.#changes;
    try {
      await this.given.local.put(this.#local(this.given.body(), true));
      this.#kept = count;
      if (this.state === "page-only") this.#to("saving");
    } catch {
      if (this.state === "saving" || this.state === "local") this.#to("page-only");
    }
  }

  /** Keeps and sends everything now; resolves when it was tried, whatever came of it. */
  async flush(): Promise<void> {
    clearTimeout(this.#sendTimer);
    await this.keep();
    if (this.#sending !== null) await this.#sending;
    if (this.unsaved && this.conflict === null && !this.#closed) await this.#send();
  }

  /** Connection or session are back. */
  retry(): void {
    if (this.#closed || !this.unsaved || this.conflict !== null) return;
    this.#failures = 0;
    this.#schedule(0);
  }

  /** A new lease on the same work, with the revision that the server holds and its body. */
  reclaimed(revision: number, body: unknown): void {
    this.#to("saving");
    if (revision !== this.#base && !same(body, this.#lastSent)) {
      this.#meet(body, revision);
      return;
    }
    this.#base = revision;
    if (this.unsaved) this.#schedule(0);
    else this.#to("saved");
  }

  /** Takes up a draft that this device holds and the server does not. */
  resume(): void {
    this.#changes += 1;
    this.#to("saving");
    this.#schedule(0);
  }

  /** The person's choice between two versions. Mine: it becomes the next revision. Theirs: the caller puts it into the document. */
  settle(choice: "mine" | "theirs"): unknown {
    const conflict = this.conflict;
    if (conflict === null) return undefined;
    this.conflict = null;
    this.#base = conflict.revision;
    if (choice === "mine") {
      this.#changes += 1;
      this.#to("saving");
      this.#schedule(0);
    } else {
      this.#sent = this.#changes;
      this.#to("saved");
    }
    return conflict.theirs;
  }

  /** The work is done or given up: nothing more is sent. `forget` removes the copy on this device. */
  async close(forget: boolean): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#localTimer);
    clearTimeout(this.#sendTimer);
    if (this.#sending !== null) await this.#sending;
    if (forget) await this.given.local.remove(this.given.key).catch(() => undefined);
  }

  #schedule(afterMs: number): void {
    clearTimeout(this.#sendTimer);
    this.#sendTimer = setTimeout(() => void this.#send(), afterMs);
  }

  #send(): Promise<void> {
    this.#sending ??= this.#sendOnce().finally(() => {
      this.#sending = null;
      if (this.#closed || this.conflict !== null || !this.unsaved) return;
      if (this.state === "saving") this.#schedule(this.#failures > 0 ? 0 : SEND_AFTER_MS);
      else if (this.state === "local" || this.state === "signed-out" || this.state === "page-only")
        this.#schedule(RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1] ?? 1000);
    });
    return this.#sending;
  }

  async #sendOnce(): Promise<void> {
    const count = this.#changes;
    const body = this.given.body();
    this.#lastSent = body;
    try {
      const saved = await this.given.calls.saveDraft(this.given.token(), this.#base, body);
      this.#acknowledged(saved.revision, count);
      this.given.onLease(saved.lease_expires_at);
      await this.given.local.put(this.#local(body, this.unsaved)).catch(() => undefined);
    } catch (error) {
      this.#failed(error, count);
    }
  }

  #acknowledged(revision: number, count: number): void {
    this.#base = revision;
    this.#sent = count;
    this.#failures = 0;
    this.#to(this.unsaved ? "saving" : "saved");
  }

  #failed(error: unknown, count: number): void {
    this.#failures += 1;
    if (!(error instanceof Refused)) this.#to("local");
    else if (error.status === 401) this.#to("signed-out");
    else if (error.code === "stale-draft") {
      const held = error.body.draft as { revision: number; body: unknown } | null;
      // equal: the acknowledgement of this very draft was lost on the way
      if (held !== null && same(held.body, this.#lastSent)) this.#acknowledged(held.revision, count);
      else this.#meet(held?.body, held?.revision ?? 0);
    } else if (error.code === "lease-lost" || error.status === 404 || error.status === 409) {
      this.#to("lease-lost");
      this.given.onLeaseLost();
    } else this.#to("local");
  }

  #meet(theirs: unknown, revision: number): void {
    const mine = this.given.body();
    if (theirs === undefined || same(mine, theirs)) {
      this.#base = revision;
      this.#changes += 1;
      this.#schedule(0);
      return;
    }
    this.conflict = { mine, theirs, revision };
    this.#to("conflict");
  }

  #local(body: unknown, unsaved: boolean): LocalDraft {
    const { key, taskId } = this.given;
    return {
      key,
      taskId,
      body,
      baseRevision: this.#base,
      unsaved,
      activeSeconds: this.given.activeSeconds(),
      changedAt: Date.now(),
    };
  }

  #to(state: SaveState): void {
    this.state = state;
    this.given.onState();
  }
}
