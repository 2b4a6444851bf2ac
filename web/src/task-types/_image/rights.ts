/** What may not be done to an annotation, as the key of the reason; null where it may. */

import type { RecordId } from "../../document/doc";
import type { Notice } from "../../tools/tool";
import type { ImageEditor } from "./editor";

export type Verb = "edit" | "remove" | "relabel";

const FROZEN: Readonly<Record<Verb, string>> = {
  edit: "image.reason.base",
  remove: "image.reason.baseStays",
  relabel: "image.reason.baseLabel",
};

export function whyNot(verb: Verb, id: RecordId, editor: ImageEditor): string | null {
  const { rights } = editor.config;
  if (editor.readOnly) return "image.reason.readOnly";
  if (editor.state.locked.has(id)) return "image.reason.locked";
  return rights !== null && !rights[verb] && editor.base.has(id) ? FROZEN[verb] : null;
}

export function whyNotDraw(kind: string, editor: ImageEditor): Notice | null {
  const { rights, count } = editor.config;
  if (editor.readOnly) return { key: "image.reason.readOnly", tone: "reason" };
  if (rights !== null && !rights.add) return { key: "image.reason.noAdding", tone: "reason" };
  if (count.most !== null && editor.doc.records.size >= count.most)
    return { key: "image.problem.manyAnnotations", values: { count: count.most }, tone: "reason" };
  return editor.geometry(kind) === undefined ? { key: "image.reason.noGeometry", tone: "reason" } : null;
}
