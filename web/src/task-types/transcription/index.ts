/** Transcription: named values copied from an attachment, once and row by row (task-types-text §5). */

import i18next from "i18next";
import type { Answers, Field } from "../../forms/fields";
import { formModule, oneAttachment, texts, wantedTexts } from "../_form";
import type { WireTask } from "../registry";

type Wanted = Readonly<Record<string, string>>;

interface Params {
  readonly fields?: Wanted | null;
  readonly repeatable_fields?: Wanted | null;
  readonly row_fields?: Wanted | null;
  readonly hypothesis?: unknown;
}

const ROWS = "repeatable_fields";
/** The ids of fields are the customer's: what comes once is set apart, so that none can be called as the rows are. */
const ONCE = "fields.";
const MOST_ROWS = 5000;
const paramsOf = (task: WireTask): Params => task.params as Params;
const columns = (params: Params): Wanted => params.repeatable_fields ?? params.row_fields ?? {};

export default formModule({
  fields: (task) => {
    const params = paramsOf(task);
    const once = wantedTexts(params.fields).map(
      (field): Field => ({ ...field, field_id: ONCE + field.field_id }),
    );
    if (Object.keys(columns(params)).length === 0) return once;
    const rows: Field = {
      type: "field_set",
      field_id: ROWS,
      title: i18next.t("forms.rows"),
      max_responses_required: MOST_ROWS,
      inline: true,
      fields: wantedTexts(columns(params)),
    };
    return [...once, rows];
  },
  attachments: oneAttachment,
  answers: (response) => {
    const { fields = {}, repeatable_fields = [] } = response as {
      fields?: Answers;
      repeatable_fields?: readonly Answers[];
    };
    const once = Object.entries(fields).map(([key, value]) => [ONCE + key, value] as const);
    return {
      ...Object.fromEntries(once),
      ...(repeatable_fields.length > 0 ? { [ROWS]: repeatable_fields } : {}),
    };
  },
  hypothesis: (task) => paramsOf(task).hypothesis,
  response: (answers, task) => {
    const params = paramsOf(task);
    const once = Object.fromEntries(
      Object.entries(answers).map(([key, value]) => [key.replace(/^fields\./, ""), value]),
    );
    const rows = (answers[ROWS] ?? []) as readonly Answers[];
    return {
      fields: texts(params.fields, once),
      repeatable_fields: rows.map((row) => texts(columns(params), row)),
    };
  },
});
