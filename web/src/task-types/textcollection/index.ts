/** Text collection: a form of typed fields about attachments (task-types-text §1). */

import type { Value } from "../../document/doc";
import { type Answers, children, type Field, isContainer, kindOf, most } from "../../forms/fields";
import { formModule } from "../_form";

interface Params {
  readonly attachments: readonly {
    readonly type: string;
    readonly content: string;
    readonly forms?: readonly string[] | null;
  }[];
  readonly fields: readonly Field[];
  readonly hypothesis?: { readonly annotations: Answers } | null;
}

const paramsOf = (task: { params: unknown }): Params => task.params as Params;

/** Pre-labels may come wrapped as `{type, field_id, response: […]}` (§1.8). */
function unwrap(fields: readonly Field[], answers: Answers): Record<string, Value> {
  const byId = new Map(fields.map((field) => [field.field_id, field]));
  return Object.fromEntries(
    Object.entries(answers).map(([key, value]) => {
      const field = byId.get(key);
      return [key, field === undefined ? value : bare(field, value)];
    }),
  );
}

function bare(field: Field, value: Value): Value {
  const wrapped =
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, Value>)
      : {};
  if (!Array.isArray(wrapped.response) || !("field_id" in wrapped || "type" in wrapped))
    return inside(field, value);
  let answers = (wrapped.response as readonly Value[]).map((one) => inside(field, one));
  if (["text", "number", "boolean", "datetime"].includes(kindOf(field)))
    answers = answers.map((one) => (Array.isArray(one) && one.length === 1 ? (one[0] as Value) : one));
  return most(field) > 1 ? answers : (answers[0] ?? null);
}

function inside(field: Field, value: Value): Value {
  if (!isContainer(field)) return value;
  if (Array.isArray(value)) return (value as readonly Value[]).map((one) => inside(field, one));
  return typeof value === "object" && value !== null ? unwrap(children(field), value as Answers) : value;
}

export default formModule({
  fields: (task) => paramsOf(task).fields,
  attachments: (task) =>
    paramsOf(task).attachments.map((one, i) => ({
      kind: one.type,
      content: one.content,
      path: one.type === "text" ? null : `attachments[${i}].content`,
      forms: one.forms ?? null,
    })),
  answers: (response, task) =>
    unwrap(paramsOf(task).fields, (response as { annotations?: Answers }).annotations ?? {}),
  hypothesis: (task) => paramsOf(task).hypothesis,
  response: (answers) => ({ annotations: answers }),
});
