/**
 * What this device remembers of work in progress (IndexedDB): every change lands here first, so that a crash, a lost network or an ended
 * session take nothing away. One row for each piece of work and person.
 */

import { type DBSchema, type IDBPDatabase, openDB } from "idb";

export interface LocalDraft {
  /** `<member>/<task>/<step>` */
  key: string;
  taskId: string;
  body: unknown;
  /** The server's revision that `body` builds on; 0 where the server has none. */
  baseRevision: number;
  /** Changes that the server has not acknowledged. */
  unsaved: boolean;
  activeSeconds: number;
  changedAt: number;
}

interface Schema extends DBSchema {
  drafts: { key: string; value: LocalDraft };
}

const KEPT_FOR_MS = 30 * 24 * 3600 * 1000;

export class LocalDrafts {
  #db: Promise<IDBPDatabase<Schema>>;

  constructor(name = "steelyard-work") {
    this.#db = openDB<Schema>(name, 1, {
      upgrade: (db) => void db.createObjectStore("drafts", { keyPath: "key" }),
    });
  }

  async get(key: string): Promise<LocalDraft | undefined> {
    return (await this.#db).get("drafts", key);
  }

  async put(draft: LocalDraft): Promise<void> {
    const tx = (await this.#db).transaction("drafts", "readwrite", { durability: "strict" });
    await Promise.all([tx.store.put(draft), tx.done]);
  }

  async remove(key: string): Promise<void> {
    await (await this.#db).delete("drafts", key);
  }

  /** Drafts that the server does not have yet, newest first: work to be taken up again. */
  async unsaved(member: string): Promise<LocalDraft[]> {
    const all = await (await this.#db).getAll("drafts");
    return all
      .filter((draft) => draft.unsaved && draft.key.startsWith(`${member}/`))
      .sort((a, b) => b.changedAt - a.changedAt);
  }

  /** Forgets what the server has had for a month. */
  async sweep(now: number): Promise<void> {
    const tx = (await this.#db).transaction("drafts", "readwrite");
    for await (const cursor of tx.store)
      if (!cursor.value.unsaved && cursor.value.changedAt < now - KEPT_FOR_MS) await cursor.delete();
    await tx.done;
  }
}
