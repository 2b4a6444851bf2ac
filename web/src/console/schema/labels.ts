/** A label tree as lines of text, children indented by two spaces, and back. Trees that say more than names have no such text. */

import type { Json } from "./schema";

const INDENT = "  ";

function lines(labels: readonly Json[], depth: number): string[] | null {
  const out: string[] = [];
  for (const label of labels) {
    if (typeof label === "string") {
      if (label !== label.trim() || label.includes("\n")) return null;
      out.push(INDENT.repeat(depth) + label);
      continue;
    }
    if (label === null || typeof label !== "object" || Array.isArray(label)) return null;
    const { choice, subchoices, ...others } = label;
    if (typeof choice !== "string" || Object.keys(others).length > 0) return null;
    out.push(INDENT.repeat(depth) + choice);
    if (subchoices === undefined || subchoices === null) continue;
    const below = Array.isArray(subchoices) ? lines(subchoices, depth + 1) : null;
    if (below === null) return null;
    out.push(...below);
  }
  return out;
}

/** The text of a tree, or null when it holds more than names. */
export function labelText(labels: Json | undefined): string | null {
  if (labels === undefined || labels === null) return "";
  if (typeof labels === "string") return labels;
  return Array.isArray(labels) ? (lines(labels, 0)?.join("\n") ?? null) : null;
}

/** The tree of a text. Lines that are indented deeper than the one before are its children. */
export function labelTree(text: string): Json[] {
  interface Node {
    depth: number;
    choice: string;
    below: Node[];
  }
  const top: Node = { depth: -1, choice: "", below: [] };
  const path = [top];
  for (const line of text.split("\n")) {
    const choice = line.trim();
    if (choice === "") continue;
    const depth = line.length - line.trimStart().length;
    while ((path.at(-1) as Node).depth >= depth) path.pop();
    const node: Node = { depth, choice, below: [] };
    (path.at(-1) as Node).below.push(node);
    path.push(node);
  }
  const made = (node: Node): Json =>
    node.below.length === 0 ? node.choice : { choice: node.choice, subchoices: node.below.map(made) };
  return top.below.map(made);
}
