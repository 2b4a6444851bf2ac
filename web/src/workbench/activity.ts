/** Seconds of active work: time in which the page is visible and the person did something within the last minute. */

const IDLE_AFTER_MS = 60_000;

export class Activity {
  #seconds: number;
  #last: number;
  #counted: number;

  constructor(
    seconds: number,
    private readonly now: () => number = Date.now,
  ) {
    this.#seconds = seconds;
    this.#last = now();
    this.#counted = now();
  }

  /** Something was done. */
  touch = (): void => {
    this.#count();
    this.#last = this.now();
  };

  get seconds(): number {
    this.#count();
    return Math.floor(this.#seconds);
  }

  listen(target: Window): () => void {
    const events = ["pointermove", "pointerdown", "keydown", "wheel"] as const;
    for (const name of events) target.addEventListener(name, this.touch, { passive: true });
    const hidden = (): void => {
      this.#count();
      if (document.visibilityState === "hidden") this.#last = this.now() - IDLE_AFTER_MS;
    };
    document.addEventListener("visibilitychange", hidden);
    return () => {
      for (const name of events) target.removeEventListener(name, this.touch);
      document.removeEventListener("visibilitychange", hidden);
    };
  }

  #count(): void {
    const now = this.now();
    const until = Math.min(now, this.#last + IDLE_AFTER_MS);
    if (until > this.#counted) this.#seconds += (until - this.#counted) / 1000;
    this.#counted = Math.max(this.#counted, now);
  }
}
