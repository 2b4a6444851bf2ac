/** A made-up task for a preview: what tasks bring themselves is filled in where the project's params lack it. */

import type { MediaView } from "../../task-types/registry";
import type { JsonObject } from "../schema/schema";
import IMAGE from "./sample.svg?url";

const TEXT =
  "Ada Lovelace wrote the first program in London in 1843. It was meant for Charles Babbage's engine.";

export function withSample(type: string, params: JsonObject): JsonObject {
  const sampled: JsonObject = { ...params };
  if (type === "namedentityrecognition") sampled.text ??= TEXT;
  if (type === "textcollection") sampled.attachments ??= [{ type: "text", content: TEXT }];
  else if (type === "comparison") sampled.attachments ??= [TEXT, TEXT];
  if (type.endsWith("annotation") || ["categorization", "transcription", "datacollection"].includes(type))
    sampled.attachment ??= sampled.attachment_type === "text" ? TEXT : IMAGE;
  return sampled;
}

/** The sample image where nothing else is to be seen. */
export function sampleMedia(_type: string, params: Readonly<Record<string, unknown>>): MediaView[] {
  if (params.attachment !== IMAGE) return [];
  return [
    {
      path: "attachment",
      url: IMAGE,
      role: "attachment",
      media: "image",
      mime_type: "image/svg+xml",
      width: 1200,
      height: 800,
    },
  ];
}
