/** Relations between annotations: links of the params, and attributes whose answer is another annotation. */

import { addLink, newId, type RecordId, updateRecords } from "../../document/doc";
import { touched } from "../../tools/select";
import { linkRule } from "./config";
import type { ImageEditor } from "./editor";

const ATTRIBUTE = "attribute:";

/** Names of the links and `linked` attributes that may lead from one annotation to another; the latter with a prefix. */
export function relations(editor: ImageEditor, from: RecordId, to: RecordId): string[] {
  const [a, b] = [editor.doc.records.get(from), editor.doc.records.get(to)];
  if (a === undefined || b === undefined) return [];
  const links = [...editor.config.links].filter(([, rules]) => linkRule(rules, a.label, b.label) !== null);
  const linked = editor.config.attributes.filter(
    (d) =>
      d.type === "linked" &&
      b.label !== null &&
      d.targets.includes(b.label) &&
      (d.labels === null || (a.label !== null && d.labels.includes(a.label))),
  );
  return [...links.map(([label]) => label), ...linked.map((d) => `${ATTRIBUTE}${d.key}`)];
}

/** Makes the relation, or asks which where several are possible. */
export function relate(editor: ImageEditor, from: RecordId, to: RecordId): void {
  const options = relations(editor, from, to);
  const [first] = options;
  if (first === undefined) {
    editor.tell({ key: "image.reason.noRelation", tone: "reason" });
    return;
  }
  editor.setTool("select");
  if (options.length === 1) relateAs(editor, from, to, first);
  else editor.set({ relating: { from, to, options } });
}

export function relateAs(editor: ImageEditor, from: RecordId, to: RecordId, option: string): void {
  editor.set({ relating: null });
  if (option.startsWith(ATTRIBUTE)) {
    const key = option.slice(ATTRIBUTE.length);
    editor.apply(
      updateRecords([from], (r) => ({ ...touched(r), attributes: { ...r.attributes, [key]: to } })),
      "image.step.relate",
      [from],
    );
  } else editor.apply(addLink({ id: newId(), from, to, label: option }), "image.step.relate", [from]);
}

export function relationName(editor: ImageEditor, option: string): string {
  if (!option.startsWith(ATTRIBUTE)) return option;
  const key = option.slice(ATTRIBUTE.length);
  return editor.config.attributes.find((a) => a.key === key)?.prompt ?? key;
}
