/** Label trees of the params: a string is short for `{"choice": string}`; only leaves can be chosen. */

export interface LabelNode {
  readonly name: string;
  readonly display: string;
  readonly description: string | null;
  readonly children: readonly LabelNode[];
}

type Given = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Given =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function labelTree(given: unknown): LabelNode[] {
  if (typeof given === "string") return [{ name: given, display: given, description: null, children: [] }];
  if (!Array.isArray(given)) return [];
  return given.flatMap((item): LabelNode[] => {
    if (typeof item === "string") return labelTree(item);
    if (!isObject(item) || typeof item.choice !== "string") return [];
    return [
      {
        name: item.choice,
        display: typeof item.display === "string" && item.display ? item.display : item.choice,
        description: typeof item.description === "string" ? item.description : null,
        children: Array.isArray(item.subchoices) ? labelTree(item.subchoices) : [],
      },
    ];
  });
}

export interface Leaf {
  readonly node: LabelNode;
  /** Displays of the levels above. */
  readonly path: readonly string[];
}

export function leavesOf(tree: readonly LabelNode[], path: readonly string[] = []): Leaf[] {
  return tree.flatMap((node) =>
    node.children.length > 0 ? leavesOf(node.children, [...path, node.display]) : [{ node, path }],
  );
}

// Hues that most eyes tell apart come first (after Okabe and Ito); then the golden angle spreads further ones.
const FIRST_HUES = [255, 45, 150, 330, 85, 200, 20, 285, 120, 230, 60, 310];

/** Colour of the n-th label of a task, the same whenever the task's params are the same. */
export function labelColour(index: number): string {
  const hue = FIRST_HUES[index] ?? (index * 137.508) % 360;
  const round = Math.floor(index / FIRST_HUES.length) % 3;
  return `hsl(${Math.round(hue)} ${[88, 62, 100][round]}% ${[58, 70, 46][round]}%)`;
}

export const UNLABELLED_COLOUR = "hsl(0 0% 72%)";

/** How a label is shown to people. */
export function displayOf(
  config: { readonly geometries: readonly { readonly leaves: readonly Leaf[] }[] },
  label: string | null,
): string {
  if (label === null) return "–";
  for (const g of config.geometries)
    for (const leaf of g.leaves) if (leaf.node.name === label) return leaf.node.display;
  return label;
}
