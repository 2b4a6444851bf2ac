/**
 * Windows of one browser that come to the same work: the one that opened it last goes on, the others keep what they have, stand back and say so.
 * Other devices and browsers are not reached by this; between those the revisions of drafts decide.
 */

import { newId } from "../document/doc";

type Word = "take" | "here" | "gone";

interface Message {
  readonly word: Word;
  readonly key: string;
  readonly from: string;
}

/** How long to listen for another window that has the work open, and how long it may take to keep what it has. */
const LISTEN_MS = 120;
const KEEP_MS = 3000;

export class Windows {
  readonly #id = newId();
  readonly #channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("steelyard-work");
  readonly #waiting = new Map<string, (word: Word) => void>();

  /** `standBack` is told that another window takes the work with this key: null when it is not here, else a promise of everything being kept. */
  constructor(standBack: (key: string) => Promise<void> | null) {
    this.#channel?.addEventListener("message", (event: MessageEvent<Message>) => {
      const { word, key, from } = event.data;
      if (from === this.#id) return;
      if (word !== "take") {
        this.#waiting.get(key)?.(word);
        return;
      }
      const kept = standBack(key);
      if (kept === null) return;
      this.#say("here", key);
      void kept.finally(() => this.#say("gone", key));
    });
  }

  /** Takes work over; resolves when whoever had it open has kept what was done to it, with whether there was anybody. */
  take(key: string): Promise<boolean> {
    if (this.#channel === null) return Promise.resolve(false);
    return new Promise((resolve) => {
      let open = false;
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(key);
        resolve(open);
      };
      let timer = setTimeout(done, LISTEN_MS);
      this.#waiting.set(key, (word) => {
        open = true;
        if (word === "gone") done();
        else {
          clearTimeout(timer);
          timer = setTimeout(done, KEEP_MS);
        }
      });
      this.#say("take", key);
    });
  }

  close(): void {
    this.#channel?.close();
  }

  #say(word: Word, key: string): void {
    try {
      this.#channel?.postMessage({ word, key, from: this.#id } satisfies Message);
    } catch {
      // closed meanwhile
    }
  }
}
