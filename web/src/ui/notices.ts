/** Short notices at the foot of the page: what was done, and what was refused. */

import { create } from "zustand";

export interface Notice {
  readonly id: number;
  readonly message: string;
  readonly bad: boolean;
}

const SHOWN_MS = { good: 4000, bad: 9000 } as const;
const MOST = 4;

export const useNotices = create<{ readonly notices: readonly Notice[] }>(() => ({ notices: [] }));

let last = 0;

export function dismiss(id: number): void {
  useNotices.setState(({ notices }) => ({ notices: notices.filter((notice) => notice.id !== id) }));
}

/** Shows a notice for a few seconds; the oldest goes where there are too many. */
export function notify(message: string, bad = false): void {
  const id = ++last;
  useNotices.setState(({ notices }) => ({ notices: [...notices, { id, message, bad }].slice(-MOST) }));
  setTimeout(() => dismiss(id), bad ? SHOWN_MS.bad : SHOWN_MS.good);
}
