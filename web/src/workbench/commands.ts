/** The commands that belong to every task, whatever its editor: ending it, undo, review, comparing. */

import type { Command } from "../commands/command";
import type { OpenWork } from "./open";
import type { WorkSession } from "./session";

export type Side = "instructions" | "skip" | "remark" | null;

export interface Comparing {
  /** Shows the earlier answer while held; null: the editor does that. */
  readonly held: ((on: boolean) => void) | null;
  readonly beside: () => void;
  readonly several: boolean;
  readonly other: () => void;
}

export function compareCommands({ held, beside, several, other }: Comparing): Command[] {
  const before: Command[] =
    held === null
      ? []
      : [
          {
            id: "review.before",
            group: "review",
            keys: ["\\"],
            run: () => held(true),
            release: () => held(false),
          },
        ];
  return [
    ...before,
    { id: "review.beside", group: "review", keys: ["Shift+C"], run: beside },
    {
      id: "review.other",
      group: "review",
      keys: ["Shift+D"],
      available: () => (several ? true : "workbench.nothingElse"),
      run: other,
    },
  ];
}

export const remarkCommand = (ask: () => void): Command => ({
  id: "review.remark",
  group: "review",
  keys: ["I"],
  run: ask,
});

export const appCommands = (show: (dialog: "keys" | "palette") => void, leave: () => void): Command[] => [
  { id: "app.keys", group: "app", keys: ["?", "F1"], opensDialog: true, run: () => show("keys") },
  {
    id: "app.palette",
    group: "app",
    keys: ["Mod+K"],
    inFields: true,
    opensDialog: true,
    run: () => show("palette"),
  },
  { id: "app.leave", group: "app", keys: [], run: leave },
];

export function taskCommands(open: OpenWork, session: WorkSession, show: (side: Side) => void): Command[] {
  const { store } = open;
  const always: Command[] = [
    {
      id: "task.skip",
      group: "task",
      keys: ["Mod+Space"],
      inFields: true,
      opensDialog: true,
      run: () => show("skip"),
    },
    {
      id: "task.instructions",
      group: "task",
      keys: ["Alt+I"],
      inFields: true,
      opensDialog: true,
      run: () => show("instructions"),
    },
    {
      id: "task.save",
      group: "task",
      keys: ["Mod+S"],
      inFields: true,
      run: () => void open.outbox.flush(),
    },
    {
      id: "task.nextIssue",
      group: "task",
      keys: ["F8"],
      inFields: true,
      available: () => (open.issues.length > 0 ? true : "workbench.nothingToMend"),
      run: () => open.point(1),
    },
    {
      id: "edit.undo",
      group: "edit",
      keys: ["Mod+Z"],
      repeats: true,
      available: () => (store.undoLabel === null && !store.inGesture ? "workbench.nothingToUndo" : true),
      run: () => store.undo(),
    },
    {
      id: "edit.redo",
      group: "edit",
      keys: ["Mod+Shift+Z", "Mod+Y"],
      repeats: true,
      available: () => (store.redoLabel === null ? "workbench.nothingToRedo" : true),
      run: () => store.redo(),
    },
  ];
  if (open.work.stage !== "review")
    return [
      {
        id: "task.submit",
        group: "task",
        keys: ["Mod+Enter"],
        inFields: true,
        run: () => void session.submit(),
      },
      ...always,
    ];
  const needsRemark = () => (open.remarks.length === 0 ? "workbench.sayWhy" : true);
  return [
    {
      id: "review.accept",
      group: "review",
      keys: ["Shift+A", "Mod+Enter"],
      available: () =>
        store.doc === open.before || open.before === null || store.undoLabel === null
          ? true
          : "workbench.changedAnswer",
      run: () => void session.review("accept"),
    },
    {
      id: "review.fix",
      group: "review",
      keys: ["Shift+E"],
      available: () => (store.undoLabel === null ? "workbench.unchangedAnswer" : true),
      run: () => void session.review("fix"),
    },
    {
      id: "review.sendBack",
      group: "review",
      keys: ["Shift+X"],
      available: needsRemark,
      run: () => void session.review("send_back"),
    },
    ...always,
  ];
}
