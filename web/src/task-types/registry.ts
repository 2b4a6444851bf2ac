/**
 * The contract between a task type's folder and the workbench. A folder `task-types/<wire name>/index.ts` whose default export is a
 * TaskTypeModule is all it takes; it is found by its presence and loaded when a task of the type is opened. Nothing outside these folders
 * knows a type's name.
 */

import type { ComponentType } from "react";
import type { Command } from "../commands/command";
import type { Likeness } from "../document/align";
import type { Doc } from "../document/doc";
import type { DocumentStore } from "../document/store";
import fallback from "./_json";

/** The wire's task object; `params` is typed by the type's own folder. */
export interface WireTask {
  readonly task_id: string;
  readonly type: string;
  readonly instruction?: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly project?: string;
  readonly batch?: string;
  readonly status?: string;
  readonly response?: unknown;
  readonly [key: string]: unknown;
}

/** A file that the task is about, as the server prepared it; every address is on our own origin. */
export interface MediaView {
  /** Where in the params: `attachment`, `attachments[2].content`. */
  readonly path: string;
  readonly url: string;
  readonly role: string;
  readonly media: string;
  readonly mime_type?: string | null;
  readonly width?: number | null;
  readonly height?: number | null;
  readonly size_bytes?: number | null;
  readonly derived?: Readonly<Record<string, unknown>> | null;
}

/** A remark pinned to an annotation, or to the whole answer when `annotation_id` is null. */
export interface Remark {
  readonly id?: number | string;
  readonly annotation_id?: string | null;
  readonly at?: unknown;
  readonly text: string;
  readonly author?: string | null;
  readonly created_at?: string | null;
  readonly resolved_at?: string | null;
}

export type EditorMode = "label" | "review" | "audit" | "view";

/** Something wrong with the document; `record` or `field` is where, `message` a sentence in the person's language. */
export interface Issue {
  readonly message: string;
  readonly record?: string;
  readonly field?: string;
  /** What people call the place: an object with its number, the title of a question. */
  readonly where?: string;
}

/** The issue to bring into sight and to hand; a new object each time that somebody asks for it. */
export interface Pointed {
  readonly issue: Issue;
}

export interface EditorProps {
  readonly task: WireTask;
  readonly media: readonly MediaView[];
  readonly store: DocumentStore;
  readonly mode: EditorMode;
  /** The answer before this one, for showing the difference; null when there is none. */
  readonly before: Doc | null;
  readonly remarks: readonly Remark[];
  /** What the server or `check` found wrong. */
  readonly issues: readonly Issue[];
  readonly pointed?: Pointed | null;
  /** Adds a remark (review and audit), pinned to an annotation or to nothing. */
  readonly onRemark?: ((remark: Remark) => void) | undefined;
  /** The editor's commands join the workbench's list for as long as the returned function is not called. */
  readonly registerCommands: (commands: readonly Command[]) => () => void;
  /** Small things that live on from task to task (tool, label, view settings), kept by the workbench for each type. */
  readonly memory: Map<string, unknown>;
}

export interface TaskTypeModule {
  /** The document to begin with: `answer` is an earlier response (review, correction), else the params' hypothesis. */
  load(task: WireTask, media: readonly MediaView[], answer: unknown | null): Doc;
  Editor: ComponentType<EditorProps>;
  /** Quick local checks before a submission; the server's are final. */
  check(doc: Doc, task: WireTask, media: readonly MediaView[]): readonly Issue[];
  /** The response in the form that the server's type prescribes. */
  buildResponse(doc: Doc, task: WireTask, media: readonly MediaView[]): unknown;
  /** How far two annotations are in the same place, for comparing answers of several people. */
  readonly likeness?: Likeness;
  /** The editor itself shows the earlier answer while `\\` is held. */
  readonly showsBefore?: boolean;
}

const modules = import.meta.glob<{ default: TaskTypeModule }>("./*/index.{ts,tsx}");

const loaders = new Map(
  Object.entries(modules).flatMap(([path, load]) => {
    const name = path.split("/")[1];
    return name === undefined || name.startsWith("_") ? [] : [[name, load] as const];
  }),
);

/** The editor of a type; types without a folder of their own are answered as checked JSON. */
export async function loadTaskType(type: string): Promise<TaskTypeModule> {
  const load = loaders.get(type);
  return load === undefined ? fallback : (await load()).default;
}

export function hasEditor(type: string): boolean {
  return loaders.has(type);
}
