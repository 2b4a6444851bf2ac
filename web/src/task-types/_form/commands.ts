/** The keyboard of forms: digits answer the question at hand, Alt and arrows walk from question to question. */

import type { Command } from "../../commands/command";

export interface FormVerbs {
  readonly choose: (n: number) => void;
  readonly title: (n: number) => string;
  readonly walk: (by: -1 | 1) => void;
  readonly play: () => void;
  readonly playable: () => boolean;
}

export function formCommands({ choose, title, walk, play, playable }: FormVerbs): Command[] {
  return [
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(
      (n): Command => ({
        id: `choice.${n}`,
        group: "label",
        keys: [String(n)],
        title: title(n),
        run: () => choose(n),
      }),
    ),
    { id: "forms.next", group: "view", keys: ["Alt+ArrowDown"], inFields: true, run: () => walk(1) },
    { id: "forms.previous", group: "view", keys: ["Alt+ArrowUp"], inFields: true, run: () => walk(-1) },
    {
      id: "forms.play",
      group: "view",
      keys: ["Alt+P"],
      inFields: true,
      available: () => (playable() ? true : "forms.nothingToPlay"),
      run: play,
    },
  ];
}
