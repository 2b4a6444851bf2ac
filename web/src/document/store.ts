/** The document's store: pure actions in, undo and redo, subscribers. One pointer gesture is one step of history (mark, then changes). */

import type { Action, Doc, RecordId } from "./doc";

/** What a gesture comes to. */
export interface Outcome {
  readonly action: Action;
  readonly label: string;
}

export interface Step {
  readonly doc: Doc;
  /** Key of the message that names the change, for the undo menu. */
  readonly label: string;
  readonly selection: ReadonlySet<RecordId>;
}

const LONGEST_HISTORY = 500;
const MERGED_WITHIN_MS = 1500;

export class DocumentStore {
  #now: Step;
  #past: Step[] = [];
  #future: Step[] = [];
  #gesture: Step | null = null;
  #outcome: (() => Outcome) | null = null;
  #merging: { key: string; at: number } | null = null;
  readonly #listeners = new Set<() => void>();

  constructor(doc: Doc) {
    this.#now = { doc, label: "document.opened", selection: new Set() };
  }

  get doc(): Doc {
    return this.#now.doc;
  }

  get selection(): ReadonlySet<RecordId> {
    return this.#now.selection;
  }

  /** What undo and redo would take back or repeat, or null. */
  get undoLabel(): string | null {
    return this.#past.length > 0 ? this.#now.label : null;
  }

  get redoLabel(): string | null {
    return this.#future.at(-1)?.label ?? null;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** For useSyncExternalStore: a new object after every change of document or selection. */
  snapshot = (): Step => this.#now;

  /**
   * Does an action as one step of history; `select` is the selection afterwards. Nothing is noted when nothing changes. Actions in quick
   * succession with the same `merge` key (letters typed into one field) are one step.
   */
  apply(action: Action, label: string, select?: Iterable<RecordId>, merge?: string): void {
    const doc = action(this.#now.doc);
    const selection = select === undefined ? this.#pruned(doc) : new Set(select);
    if (doc === this.#now.doc) {
      if (select !== undefined) this.select(selection);
      return;
    }
    const now = Date.now();
    const merged =
      merge !== undefined && this.#merging?.key === merge && now - this.#merging.at < MERGED_WITHIN_MS;
    if (this.#gesture === null && !merged) this.#remember(this.#now);
    this.#merging = merge === undefined ? null : { key: merge, at: now };
    this.#now = { doc, label, selection };
    this.#tell();
  }

  /**
   * Everything until `commit` is one step; `cancel` takes it all back. A gesture that shows its shapes beside the document gives an `outcome`,
   * asked for by `commit`, whoever calls it.
   */
  begin(outcome?: () => Outcome): void {
    if (this.#gesture !== null) return;
    this.#gesture = this.#now;
    this.#outcome = outcome ?? null;
  }

  commit(): void {
    const outcome = this.#outcome?.();
    this.#outcome = null;
    if (outcome !== undefined) this.apply(outcome.action, outcome.label);
    const before = this.#gesture;
    this.#gesture = null;
    if (before !== null && before.doc !== this.#now.doc) this.#remember(before);
    this.#tell();
  }

  cancel(): void {
    if (this.#gesture === null) return;
    this.#now = this.#gesture;
    this.#gesture = null;
    this.#outcome = null;
    this.#tell();
  }

  get inGesture(): boolean {
    return this.#gesture !== null;
  }

  select(ids: Iterable<RecordId>): void {
    const selection = new Set([...ids].filter((id) => this.#now.doc.records.has(id)));
    if (
      selection.size === this.#now.selection.size &&
      [...selection].every((id) => this.#now.selection.has(id))
    )
      return;
    this.#now = { ...this.#now, selection };
    this.#tell();
  }

  undo(): boolean {
    if (this.#gesture !== null) {
      this.cancel();
      return true;
    }
    this.#merging = null;
    const before = this.#past.pop();
    if (before === undefined) return false;
    this.#future.push(this.#now);
    this.#now = before;
    this.#tell();
    return true;
  }

  redo(): boolean {
    if (this.#gesture !== null) return false;
    const after = this.#future.pop();
    if (after === undefined) return false;
    this.#past.push(this.#now);
    this.#now = after;
    this.#tell();
    return true;
  }

  /** Another document altogether (a newer draft from elsewhere); undo leads back to the present one. */
  replace(doc: Doc, label: string): void {
    this.apply(() => doc, label);
  }

  #remember(step: Step): void {
    this.#past.push(step);
    if (this.#past.length > LONGEST_HISTORY) this.#past.shift();
    this.#future = [];
  }

  #pruned(doc: Doc): ReadonlySet<RecordId> {
    const { selection } = this.#now;
    return [...selection].every((id) => doc.records.has(id))
      ? selection
      : new Set([...selection].filter((id) => doc.records.has(id)));
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
