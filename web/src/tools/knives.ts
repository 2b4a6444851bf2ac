/** Split and cut: a line or ring drawn over polygons; and the relation tool: from one annotation to another. */

import { type DocRecord, newId, putRecords, type RecordId, removeRecords, sequence } from "../document/doc";
import { cut, merged, split } from "../shapes/polygon/combine";
import type { PathData } from "../shapes/polygon/polygon";
import { areaOf, overlap, type Point } from "../shapes/shape";
import { PathTool } from "./path";
import { touched } from "./select";
import type { Pointer, Preview, Tool, ToolHost } from "./tool";

/** Polygons to work on: the selected ones, else all that the knife touches. */
function targets(host: ToolHost, knife: readonly Point[]): DocRecord[] {
  const area = areaOf(knife);
  const every = [...host.doc.records.values()].filter((r) => r.kind === "polygon");
  const chosen = every.filter((r) => host.selection.has(r.id));
  return (chosen.length > 0 ? chosen : every).filter(
    (r) => overlap(areaOf((r.data as PathData).vertices), area) && host.mayEdit(r.id),
  );
}

/** The first piece keeps the identity, the others are new annotations with the same label and answers. */
function pieces(record: DocRecord, parts: readonly PathData[]): DocRecord[] {
  return parts.map((data, i) =>
    i === 0 ? { ...touched(record), data } : { ...touched(record), id: newId(), data },
  );
}

function replaceWith(
  host: ToolHost,
  results: readonly (readonly [DocRecord, readonly PathData[]])[],
  step: string,
) {
  const made = results.flatMap(([record, parts]) => pieces(record, parts));
  const gone = results.flatMap(([record, parts]) => (parts.length === 0 ? [record.id] : []));
  host.apply(
    sequence(removeRecords(gone), putRecords(...made)),
    step,
    made.map((r) => r.id),
  );
  host.leaveTool();
}

export function splitTool(host: ToolHost): PathTool {
  return new PathTool(host, {
    id: "split",
    kind: "line",
    why: () => null,
    done: (knife) => {
      const results = targets(host, knife)
        .map((record) => [record, split(record.data as PathData, knife)] as const)
        .filter(([, parts]) => parts.length > 1);
      if (results.length === 0) {
        host.tell({ key: "image.reason.notAcross", tone: "reason" });
        return false;
      }
      replaceWith(host, results, "image.step.split");
      return true;
    },
  });
}

export function cutTool(host: ToolHost): PathTool {
  return new PathTool(host, {
    id: "cut",
    kind: "polygon",
    why: () => null,
    done: (knife) => {
      const results = targets(host, knife).map((r) => [r, cut(r.data as PathData, knife)] as const);
      if (results.length === 0) {
        host.tell({ key: "image.reason.nothingToCut", tone: "reason" });
        return false;
      }
      if (!host.holesAllowed && results.some(([, parts]) => parts.some((part) => part.holes))) {
        host.tell({ key: "image.reason.noHoles", tone: "reason" });
        return false;
      }
      replaceWith(host, results, "image.step.cut");
      return true;
    },
  });
}

/** One polygon of several; null with the reason where they do not form one. */
export function mergeRecords(host: ToolHost, ids: readonly RecordId[]): string | null {
  const records = ids.flatMap((id) => host.doc.records.get(id) ?? []);
  const [first] = records;
  if (first === undefined || records.length < 2 || records.some((r) => r.kind !== "polygon"))
    return "image.reason.selectPolygons";
  if (records.some((r) => r.label !== first.label)) return "image.reason.differentLabels";
  if (records.some((r) => !host.mayEdit(r.id))) return "image.reason.locked";
  const parts = merged(records.map((r) => r.data as PathData));
  const [only] = parts;
  if (only === undefined || parts.length !== 1) return "image.reason.notTouching";
  if (only.holes && !host.holesAllowed) return "image.reason.noHoles";
  const rest = records.slice(1).map((r) => r.id);
  host.apply(
    sequence(removeRecords(rest), putRecords({ ...touched(first), data: only })),
    "image.step.merge",
    [first.id],
  );
  return null;
}

export class RelateTool implements Tool {
  readonly id = "relate";
  readonly cursor = "crosshair";
  #from: RecordId | null = null;

  constructor(private readonly host: ToolHost) {
    const [selected] = host.selection;
    if (selected !== undefined && host.selection.size === 1) this.#from = selected;
    host.tell({ key: this.#from === null ? "image.hint.relateFrom" : "image.hint.relateTo", tone: "hint" });
  }

  get busy(): boolean {
    return this.#from !== null;
  }

  down(p: Pointer): void {
    const on = this.host.hit(p.at);
    if (on === null) return;
    if (this.#from === null) {
      this.#from = on;
      this.host.select([on]);
      this.host.tell({ key: "image.hint.relateTo", tone: "hint" });
    } else if (on !== this.#from) {
      this.host.relate(this.#from, on);
      this.#from = null;
    }
  }

  move(): void {
    /* the target is chosen by a press */
  }

  up(): void {
    /* the target is chosen by a press */
  }

  key(key: "Enter" | "Escape" | "Backspace"): boolean {
    if (key !== "Escape") return false;
    this.cancel();
    this.host.leaveTool();
    return true;
  }

  cancel(): void {
    this.#from = null;
  }

  preview(): Preview | null {
    return null;
  }
}
