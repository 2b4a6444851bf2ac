/** A question that must be answered before something that cannot be undone. */

import { create } from "zustand";

export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says that goes on. */
  readonly confirm: string;
  /** The word that must be typed first, where a slip would cost much. */
  readonly typed?: string;
  readonly danger?: boolean;
}

interface Asked extends Question {
  answer(yes: boolean): void;
}

export const useQuestion = create<{ readonly asked: Asked | null }>(() => ({ asked: null }));

/** Asks in a dialog over the page; resolves to the answer. */
export function confirmed(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    const answer = (yes: boolean) => {
      useQuestion.setState({ asked: null });
      resolve(yes);
    };
    useQuestion.setState({ asked: { ...question, answer } });
  });
}
