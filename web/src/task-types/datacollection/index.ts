/** Data collection: texts to be found out, "" where nothing was found (task-types-text §7). */

import { formModule, oneAttachment, texts, wantedTexts } from "../_form";
import type { WireTask } from "../registry";

interface Params {
  readonly fields: Readonly<Record<string, string>>;
  readonly hypothesis?: unknown;
}

const paramsOf = (task: WireTask): Params => task.params as unknown as Params;

export default formModule({
  fields: (task) => wantedTexts(paramsOf(task).fields),
  attachments: oneAttachment,
  answers: (response) => (response as { fields?: Record<string, string> }).fields ?? {},
  hypothesis: (task) => paramsOf(task).hypothesis,
  response: (answers, task) => ({ fields: texts(paramsOf(task).fields, answers) }),
});
