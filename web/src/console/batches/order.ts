/** A list with one entry put in another place; the same list when nothing moves. */
export function moved<T>(list: readonly T[], from: number, to: number): readonly T[] {
  const item = list[from];
  const place = Math.max(0, Math.min(list.length - 1, to));
  if (item === undefined || place === from) return list;
  const rest = list.filter((_, at) => at !== from);
  return [...rest.slice(0, place), item, ...rest.slice(place)];
}
