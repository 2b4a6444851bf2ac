/** Params and response of named entity recognition (task-types-text §2), and the document between them. Offsets count code points. */

import type { Doc, DocRecord, Link, Value } from "../../document/doc";
import { EMPTY_DOC, newId } from "../../document/doc";
import { colorAt } from "../../lib/palette";
import { TextIndex } from "../../text/offsets";
import type { Issue, WireTask } from "../registry";

export interface Attribute {
  readonly type?: "category" | "text" | "number" | "boolean";
  readonly description?: string | null;
  readonly choices?: readonly (string | { readonly value: string; readonly label?: string | null })[] | null;
  readonly allow_multiple?: boolean | null;
  readonly required?: boolean | null;
}

export interface Label {
  readonly name: string;
  readonly display_name?: string | null;
  readonly description?: string | null;
  readonly children?: readonly Label[] | null;
  readonly attributes?: Readonly<Record<string, Attribute>> | null;
  readonly color?: string | null;
}

export interface Relationship {
  readonly name?: string | null;
  readonly display_name?: string | null;
  readonly is_directed?: boolean | null;
  readonly source_label?: string | null;
  readonly target_label?: string | null;
}

export interface Params {
  readonly text: string;
  readonly labels: readonly Label[];
  readonly relationships?: readonly Relationship[] | null;
  readonly merge_newlines?: boolean | string | null;
  readonly allow_overlap?: boolean | string | null;
  readonly hypothesis?: Response | null;
}

interface WireSpan {
  readonly id?: string;
  readonly start: number;
  readonly end: number;
  readonly text?: string;
  readonly label: string;
  readonly attributes?: Readonly<Record<string, Value>> | null;
}

interface WireLink {
  readonly id?: string;
  readonly source_ref: string;
  readonly target_ref: string;
  readonly name?: string | null;
}

export interface Response {
  readonly annotations: readonly WireSpan[];
  readonly relationships?: readonly WireLink[];
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

export type SpanRecord = DocRecord<Span>;

/** A label with its depth in the tree, its colour and the names of the labels above it. */
export interface FlatLabel extends Label {
  readonly depth: number;
  readonly shade: string;
  readonly above: readonly string[];
}

export const SPAN = "span";

export function paramsOf(task: WireTask): Params {
  return task.params as unknown as Params;
}

/** Params take booleans as words, too. */
export function flag(value: boolean | string | null | undefined, otherwise: boolean): boolean {
  if (value === null || value === undefined) return otherwise;
  return typeof value === "boolean" ? value : value.toLowerCase() === "true";
}

/** Without labels, as in the preview of a project that is still being made, none. */
export function flatLabels(labels: readonly Label[] | undefined): FlatLabel[] {
  const found: FlatLabel[] = [];
  const walk = (list: readonly Label[], depth: number, above: readonly string[]): void => {
    for (const label of list) {
      found.push({ ...label, depth, above, shade: label.color ?? colorAt(found.length) });
      walk(label.children ?? [], depth + 1, [...above, label.name]);
    }
  };
  walk(labels ?? [], 0, []);
  return found;
}

export function spansOf(doc: Doc): SpanRecord[] {
  return doc.order.flatMap((id) => {
    const record = doc.records.get(id);
    return record?.kind === SPAN ? [record as SpanRecord] : [];
  });
}

export function load(task: WireTask, answer: unknown): Doc {
  const params = paramsOf(task);
  const given = (answer ?? params.hypothesis ?? null) as Response | null;
  if (given === null) return EMPTY_DOC;
  const records = given.annotations.map(
    (span): SpanRecord => ({
      id: span.id ?? newId(),
      kind: SPAN,
      label: span.label,
      data: { start: span.start, end: span.end },
      attributes: span.attributes ?? {},
      ...(answer === null ? { hypothesis: "proposed" as const } : {}),
    }),
  );
  const links = (given.relationships ?? []).map(
    (link): Link => ({
      id: link.id ?? newId(),
      from: link.source_ref,
      to: link.target_ref,
      label: link.name ?? "",
    }),
  );
  return {
    ...EMPTY_DOC,
    records: new Map(records.map((r) => [r.id, r])),
    order: records.map((r) => r.id),
    links,
  };
}

export function buildResponse(doc: Doc, task: WireTask): Response {
  const index = new TextIndex(paramsOf(task).text);
  const spans = spansOf(doc)
    .filter((record) => record.label !== null)
    .sort((a, b) => a.data.start - b.data.start || b.data.end - a.data.end);
  return {
    annotations: spans.map((record) => ({
      id: record.id,
      start: record.data.start,
      end: record.data.end,
      text: index.slice(record.data.start, record.data.end),
      label: record.label ?? "",
      ...(Object.keys(record.attributes).length > 0 ? { attributes: record.attributes } : {}),
    })),
    relationships: doc.links.map((link) => ({
      id: link.id,
      source_ref: link.from,
      target_ref: link.to,
      ...(link.label === "" ? {} : { name: link.label }),
    })),
  };
}

export function valuesOf(attribute: Attribute): { value: string; label: string }[] {
  return (attribute.choices ?? []).map((choice) =>
    typeof choice === "string"
      ? { value: choice, label: choice }
      : { value: choice.value, label: choice.label ?? choice.value },
  );
}

/** The relationships that may lead from one span to another, in the params' order. */
export function fitting(
  params: Params,
  labels: readonly FlatLabel[],
  source: DocRecord,
  target: DocRecord,
): Relationship[] {
  const under = (wanted: string | null | undefined, record: DocRecord): boolean => {
    if (wanted === null || wanted === undefined) return true;
    const label = labels.find((l) => l.name === record.label);
    return record.label === wanted || label?.above.includes(wanted) === true;
  };
  return (params.relationships ?? []).filter(
    (d) =>
      (under(d.source_label, source) && under(d.target_label, target)) ||
      (d.is_directed !== true && under(d.source_label, target) && under(d.target_label, source)),
  );
}

type Say = (key: string, values?: Record<string, unknown>) => string;

/** What the server would refuse, in words. */
export function check(doc: Doc, task: WireTask, say: Say): Issue[] {
  const params = paramsOf(task);
  const labels = new Map(flatLabels(params.labels).map((label) => [label.name, label]));
  const issues: Issue[] = [];
  const spans = spansOf(doc);
  const seen = new Set<string>();
  for (const span of spans) {
    const label = labels.get(span.label ?? "");
    if (label === undefined) {
      issues.push({ record: span.id, message: say("text.issue.noLabel") });
      continue;
    }
    const key = `${span.data.start} ${span.data.end} ${span.label}`;
    if (seen.has(key))
      issues.push({ record: span.id, message: say("text.issue.twice", { label: span.label }) });
    seen.add(key);
    for (const [name, attribute] of Object.entries(label.attributes ?? {})) {
      const value = span.attributes[name];
      const empty =
        value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
      if (attribute.required === true && empty)
        issues.push({
          record: span.id,
          field: name,
          message: say("text.issue.attribute", { label: span.label, attribute: name }),
        });
    }
  }
  if (!flag(params.allow_overlap, true)) {
    let reach = 0;
    for (const span of [...spans].sort((a, b) => a.data.start - b.data.start || a.data.end - b.data.end)) {
      if (span.data.start < reach)
        issues.push({ record: span.id, message: say("text.issue.overlap", { label: span.label }) });
      reach = Math.max(reach, span.data.end);
    }
  }
  return issues;
}
