/** For types without an editor: params readable beside, the answer as JSON text that the server checks. */

import { lazy } from "react";
import type { Doc } from "../../document/doc";
import { EMPTY_DOC } from "../../document/doc";
import type { TaskTypeModule } from "../registry";

const JsonEditor = lazy(() => import("./JsonEditor"));

export const TEXT = "response";

const text = (doc: Doc): string => (typeof doc.fields[TEXT] === "string" ? doc.fields[TEXT] : "{}");

const module: TaskTypeModule = {
  load: (task, _media, answer) => ({
    ...EMPTY_DOC,
    fields: { [TEXT]: JSON.stringify(answer ?? task.params["hypothesis"] ?? {}, null, 2) },
  }),
  Editor: JsonEditor,
  check: (doc) => {
    try {
      JSON.parse(text(doc));
      return [];
    } catch (error) {
      return [{ message: error instanceof Error ? error.message : String(error) }];
    }
  },
  buildResponse: (doc) => JSON.parse(text(doc)),
};

export default module;
