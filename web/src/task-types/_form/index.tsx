/** What the types that are forms share: a type says which fields its params mean, which attachments, and how its response holds the answers. */

import i18next from "i18next";
import { EMPTY_DOC } from "../../document/doc";
import { checkForm } from "../../forms/check";
import type { Answers, Field } from "../../forms/fields";
import type { EditorProps, MediaView, TaskTypeModule, WireTask } from "../registry";
import { FormEditor } from "./FormEditor";

export interface Shown {
  readonly kind: string;
  /** The text itself, or the customer's address. */
  readonly content: string;
  /** Where in the params, for finding the file that the server prepared; null for inline text. */
  readonly path: string | null;
  /** Names of the top-level forms with which it is shown; none: always. */
  readonly forms?: readonly string[] | null;
}

export interface FormType {
  fields(task: WireTask): readonly Field[];
  attachments(task: WireTask): readonly Shown[];
  /** Answers by field from a response or pre-labels. */
  answers(response: unknown, task: WireTask): Answers;
  hypothesis(task: WireTask): unknown;
  /** The response from the answers that are shown. */
  response(answers: Answers, task: WireTask, seconds: number): unknown;
  /** Attachments side by side above the form instead of beside it. */
  readonly columns?: boolean;
}

export function formModule(type: FormType): TaskTypeModule {
  return {
    load: (task, _media, answer) => {
      const given = answer ?? type.hypothesis(task) ?? null;
      return { ...EMPTY_DOC, fields: given === null ? {} : { ...type.answers(given, task) } };
    },
    // biome-ignore lint/correctness/noComponentHookFactories: called once for each type, when its module is loaded
    Editor: (props: EditorProps) => <FormEditor {...props} type={type} />,
    check: (doc, task) =>
      checkForm(type.fields(task), doc.fields).problems.map((problem) => ({
        field: problem.path,
        where: problem.title,
        message: i18next.t(`forms.problem.${problem.key}`, { ...problem.values, path: problem.path }),
      })),
    buildResponse: (doc, task) => type.response(checkForm(type.fields(task), doc.fields).answers, task, 0),
  };
}

/** Text fields from a map of wanted texts; "" is an answer where the task wants to know that there is none. */
export function wantedTexts(wanted: Readonly<Record<string, string>> | null | undefined): Field[] {
  return Object.entries(wanted ?? {}).map(([field_id, title]) => ({
    type: "text",
    field_id,
    title,
    multiline: false,
    emptyIsAnswer: true,
  }));
}

/** The wanted texts of some answers, "" where nothing was entered. */
export function texts(
  wanted: Readonly<Record<string, string>> | null | undefined,
  answers: Answers,
): Record<string, string> {
  return Object.fromEntries(Object.keys(wanted ?? {}).map((key) => [key, String(answers[key] ?? "")]));
}

export function oneAttachment(task: WireTask): Shown[] {
  const { attachment, attachment_type } = task.params as { attachment: string; attachment_type: string };
  return [
    { kind: attachment_type, content: attachment, path: attachment_type === "text" ? null : "attachment" },
  ];
}

export function fileOf(shown: Shown, media: readonly MediaView[]): MediaView | undefined {
  return shown.path === null ? undefined : media.find((file) => file.path === shown.path);
}
