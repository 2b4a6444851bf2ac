/** Named entity recognition: labeled spans of a text and relations between them. */

import i18next from "i18next";
import { overlap } from "../../document/align";
import type { TaskTypeModule } from "../registry";
import { Editor } from "./Editor";
import { buildResponse, check, load, type SpanRecord } from "./model";

const module: TaskTypeModule = {
  load: (task, _media, answer) => load(task, answer),
  Editor,
  check: (doc, task) => check(doc, task, (key, values) => i18next.t(key, values ?? {})),
  buildResponse: (doc, task) => buildResponse(doc, task),
  likeness: (a, b) => {
    const [x, y] = [(a as SpanRecord).data, (b as SpanRecord).data];
    return overlap([x.start, x.end], [y.start, y.end]);
  },
};

export default module;
