/** Letters that a column of tags has room for, each tag with its frame. */
const ROOM = 15;
const FRAME = 3;

/** The first tags that fit side by side, at least one, and how many are left out. */
export function fitting(tags: readonly string[]): { shown: readonly string[]; more: number } {
  let room = ROOM;
  let count = 0;
  for (const tag of tags) {
    room -= tag.length + FRAME;
    if (count > 0 && room < 0) break;
    count++;
  }
  return { shown: tags.slice(0, count), more: tags.length - count };
}
