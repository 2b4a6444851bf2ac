/**
 * A command is a thing that a person can tell the program to do. Menus, the palette, the key sheet and the keyboard are all made from the one
 * list of commands, so that none can lack what another has. Keys are written `Mod+Shift+Z`; Mod is Ctrl, and Cmd on a Mac.
 */

export type Availability = true | string;

export interface Command {
  /** Stable name, also the key of its message: `command.<id>`. */
  readonly id: string;
  readonly group: "task" | "edit" | "view" | "tool" | "label" | "object" | "review" | "app";
  /** Default keys; the person's own replace them. */
  readonly keys: readonly string[];
  /** Words to show instead of the message (names of labels). */
  readonly title?: string;
  /** True, or the message key of the reason why not. */
  available?(): Availability;
  /** Works while a text field has the focus, too. Only for keys with Mod, Alt or a function key. */
  readonly inFields?: boolean;
  /** Repeats while the key is held. */
  readonly repeats?: boolean;
  /** Opens a dialog: letters typed before it has the focus go into its field instead of running other commands. */
  readonly opensDialog?: boolean;
  /** Left out of palette and sheet. */
  readonly hidden?: boolean;
  run(): void;
  /** For commands that last while the key is held (`\` shows what was before). */
  release?(): void;
}
