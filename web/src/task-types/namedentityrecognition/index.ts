/** Named entity recognition: labeled spans of a text and relations between them. */

import i18next from "i18next";
import type { TaskTypeModule } from "../registry";
import { Editor } from "./Editor";
import { buildResponse, check, load } from "./model";

const module: TaskTypeModule = {
  load: (task, _media, answer) => load(task, answer),
  Editor,
  check: (doc, task) => check(doc, task, (key, values) => i18next.t(key, values ?? {})),
  buildResponse: (doc, task) => buildResponse(doc, task),
};

export default module;
