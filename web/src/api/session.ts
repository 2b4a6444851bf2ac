/** Who is signed in, in which mode, and whether the session has ended meanwhile. */

import { create } from "zustand";
import type { components } from "./schema";

export type SessionInfo = components["schemas"]["SessionInfo"];
export type Mode = "live" | "test";
export type Role = SessionInfo["member"]["role"];

interface SessionState {
  readonly info: SessionInfo | null;
  /** The session has ended while a page was open: the sign-in dialog stands over it, the page stays. */
  readonly ended: boolean;
  readonly mode: Mode;
}

const MODE_KEY = "steelyard.mode";

export const useSession = create<SessionState>(() => ({
  info: null,
  ended: false,
  mode: localStorage.getItem(MODE_KEY) === "test" ? "test" : "live",
}));

/** Told to the window when somebody has signed in again in the dialog over the page. */
export const SIGNED_IN = "steelyard:signed-in";

const waiting: (() => void)[] = [];

export function setSession(info: SessionInfo | null): void {
  const { ended } = useSession.getState();
  useSession.setState({ info, ended: false });
  if (info === null) return;
  for (const resume of waiting.splice(0)) resume();
  if (ended) window.dispatchEvent(new Event(SIGNED_IN));
}

/** Shows the sign-in dialog. */
export function tellEnded(): void {
  useSession.setState({ ended: true });
}

/** Shows the sign-in dialog; resolves once somebody has signed in again. */
export function sessionEnded(): Promise<void> {
  tellEnded();
  return new Promise((resolve) => waiting.push(resolve));
}

export function setMode(mode: Mode): void {
  localStorage.setItem(MODE_KEY, mode);
  useSession.setState({ mode });
}

/** Admins and managers run projects; the others do the work. */
export function isLead(role: Role | undefined): boolean {
  return role === "admin" || role === "manager";
}
