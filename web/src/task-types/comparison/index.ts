/** Comparison: two or more items side by side and a verdict on them (task-types-text §4). */

import type { Field } from "../../forms/fields";
import { formModule, texts, wantedTexts } from "../_form";
import type { WireTask } from "../registry";

interface Params {
  readonly attachments: readonly string[];
  readonly attachment_type: string;
  readonly choices?: readonly string[] | null;
  readonly fields?: Readonly<Record<string, string>> | null;
  readonly hypothesis?: Response | null;
}

interface Response {
  readonly choice?: string;
  readonly fields?: Readonly<Record<string, string>>;
}

const VERDICT = "choice";
const paramsOf = (task: WireTask): Params => task.params as unknown as Params;

export default formModule({
  columns: true,
  fields: (task) => {
    const { choices, fields } = paramsOf(task);
    const verdict: Field[] = choices
      ? [
          {
            type: "category",
            field_id: VERDICT,
            title: task.instruction ?? VERDICT,
            required: true,
            choices: choices.map((value) => ({ value, label: value })),
          },
        ]
      : [];
    return [...verdict, ...wantedTexts(fields)];
  },
  attachments: (task) => {
    const { attachments, attachment_type } = paramsOf(task);
    return attachments.map((content, i) => ({
      kind: attachment_type,
      content,
      path: attachment_type === "text" ? null : `attachments[${i}]`,
    }));
  },
  answers: (response) => {
    const { choice, fields } = response as Response;
    return { ...fields, ...(choice === undefined || choice === null ? {} : { [VERDICT]: [choice] }) };
  },
  hypothesis: (task) => paramsOf(task).hypothesis,
  response: (answers, task) => {
    const { choices, fields } = paramsOf(task);
    const verdict = choices ? { choice: (answers[VERDICT] as readonly string[] | undefined)?.[0] } : {};
    return { ...verdict, ...(fields ? { fields: texts(fields, answers) } : {}) };
  },
});
