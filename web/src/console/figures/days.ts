/** Days as the server counts them: UTC, written 2026-03-14. */

const DAY_MS = 86_400_000;

export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** The last `count` days up to and with `now` (milliseconds), oldest first. */
export function lastDays(count: number, now: number): string[] {
  return Array.from({ length: count }, (_, i) => dayOf(now - (count - 1 - i) * DAY_MS));
}

/** A figure for each day, zero where there is none, so that gaps are seen. */
export function byDay<T>(
  days: readonly string[],
  items: readonly T[],
  dayOfItem: (item: T) => string | null,
  value: (item: T) => number,
): { name: string; value: number }[] {
  const sums = new Map<string, number>();
  for (const item of items) {
    const day = dayOfItem(item);
    if (day !== null) sums.set(day, (sums.get(day) ?? 0) + value(item));
  }
  return days.map((name) => ({ name, value: sums.get(name) ?? 0 }));
}
