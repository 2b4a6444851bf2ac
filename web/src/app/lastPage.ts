/** An address to go to after signing in: only paths of our own, never another host. */
export function ownPath(next: unknown): string | undefined {
  return typeof next === "string" && /^\/(?![/\\])/.test(next) ? next : undefined;
}
