/** The keys that commands have now, for what names them beside a tool or in a hint: a person's own before the usual ones. */

import { createContext, useCallback, useContext, useSyncExternalStore } from "react";
import { shown } from "./keys";
import type { CommandRegistry } from "./registry";

/** The list of commands of the workbench around an editor; null where an editor only shows. */
export const Commands = createContext<CommandRegistry | null>(null);

const never = () => () => undefined;
const none = () => null;

/** Gives the first keys of a command as they are written on the keyboard; `usual` where nobody runs commands, "" where it has none. */
export function useKeys(): (id: string, usual: string) => string {
  const registry = useContext(Commands);
  const commands = useSyncExternalStore(registry?.subscribe ?? never, registry?.snapshot ?? none);
  return useCallback(
    (id, usual) => {
      const command = commands?.find((c) => c.id === id);
      if (registry === null || command === undefined) return shown(usual);
      const keys = registry.keysOf(command)[0];
      return keys === undefined ? "" : shown(keys);
    },
    [registry, commands],
  );
}
