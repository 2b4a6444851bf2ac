/** Params to begin with, for each task type: small, complete but for what tasks bring themselves, and meant to be changed. */

import type { Json, JsonObject } from "../schema/schema";

const THINGS: Json[] = [
  "car",
  "truck",
  { choice: "two-wheeler", subchoices: ["bicycle", "motorcycle"] },
  "person",
];
const ATTRIBUTES: JsonObject = {
  occluded: {
    type: "category",
    description: "How much of it is hidden?",
    choices: ["none", "partly", "mostly"],
  },
};
const BOX: JsonObject = { box: { objects_to_annotate: THINGS, min_width: 5, min_height: 5 } };
const LEGACY: JsonObject = { objects_to_annotate: THINGS, with_labels: true };
const VIDEO: JsonObject = { geometries: BOX, annotation_attributes: ATTRIBUTES, frame_rate: 5 };
const PLAYBACK: JsonObject = {
  geometries: BOX,
  events_to_annotate: ["braking", "turning"],
  video_frame_rate: 25,
};
const TURNS: Json[] = [
  { type: "PromptInput" },
  { type: "ModelResponses" },
  {
    type: "Form",
    fields: [
      { type: "boolean", field_id: "correct", title: "Is the answer correct?", required: true },
      { type: "text", field_id: "why", title: "What is wrong with it?", conditions: [{ correct: false }] },
    ],
  },
];
const CHAT: JsonObject = { turn: TURNS, min_turns: 1, max_turns: 3 };
const DOCUMENT: JsonObject = {
  features: [
    { type: "block", label: "invoice number" },
    { type: "block", label: "total" },
    { type: "block", label: "line item" },
  ],
};

const EXAMPLES: Readonly<Record<string, JsonObject>> = {
  imageannotation: {
    geometries: { ...BOX, polygon: { objects_to_annotate: ["road", "sidewalk"] } },
    annotation_attributes: ATTRIBUTES,
  },
  annotation: { ...LEGACY, min_width: 5, min_height: 5 },
  polygonannotation: { ...LEGACY, min_vertices: 3 },
  lineannotation: { objects_to_annotate: ["lane marking", "curb"], with_labels: true, splines: true },
  laneannotation: { objects_to_annotate: ["solid", "dashed"], splines: true },
  pointannotation: { objects_to_annotate: ["headlight", "license plate"], with_labels: true },
  cuboidannotation: { ...LEGACY, min_width: 10 },
  segmentannotation: {
    labels: ["road", "sky", "vegetation", { choice: "vehicle", instance_label: true }],
    allow_unlabeled: false,
  },
  videoannotation: VIDEO,
  videoboxannotation: VIDEO,
  videocuboidannotation: { geometries: { cuboid: { objects_to_annotate: THINGS } }, frame_rate: 5 },
  videoplaybackannotation: PLAYBACK,
  federal2dvideoannotation: PLAYBACK,
  lidarannotation: { labels: THINGS, annotation_attributes: ATTRIBUTES, meters_per_unit: 1 },
  lidarsegmentation: { labels: ["road", "vegetation", { choice: "vehicle", instance_label: true }] },
  lidartopdown: { geometries: { polygon: { objects_to_annotate: ["roof", "road"] } }, meters_per_pixel: 0.1 },
  lidarlinking: {
    annotation_type: "annotation",
    labels: ["car", "truck", "person"],
    min_width: 5,
    min_height: 5,
  },
  sensorfusion: {
    scene_format: "sensor_fusion",
    annotation_definition: [{ type: "cuboid", labels: ["car", "person"] }],
  },
  namedentityrecognition: {
    labels: [
      { name: "person", children: [{ name: "customer" }, { name: "employee" }] },
      { name: "place" },
      { name: "date" },
    ],
    relationships: [
      {
        name: "born_in",
        display_name: "born in",
        is_directed: true,
        source_label: "person",
        target_label: "place",
      },
    ],
    allow_overlap: true,
  },
  textcollection: {
    fields: [
      { type: "text", field_id: "summary", title: "Sum it up in one sentence", required: true },
      {
        type: "category",
        field_id: "tone",
        title: "Which tone does it have?",
        choices: [
          { label: "Friendly", value: "friendly" },
          { label: "Neutral", value: "neutral" },
          { label: "Angry", value: "angry" },
        ],
      },
      { type: "number", field_id: "stars", title: "How well is it written?", min: 1, max: 5, step: 1 },
      { type: "boolean", field_id: "personal", title: "Does it tell anything about a person?" },
    ],
  },
  categorization: {
    attachment_type: "text",
    taxonomies: {
      topic: {
        type: "category",
        description: "What is it about?",
        choices: ["Billing", { choice: "Product", subchoices: ["Bug", "Wish"] }, "Something else"],
      },
      urgent: { type: "category", description: "Is it urgent?", choices: ["yes", "no"] },
    },
  },
  comparison: {
    attachment_type: "text",
    choices: ["the first", "the second", "both the same"],
    fields: { why: "Why?" },
  },
  datacollection: {
    attachment_type: "text",
    fields: { phone: "Telephone number", founded: "Year of foundation" },
  },
  transcription: {
    attachment_type: "text",
    fields: { date: "Date", sender: "Sender" },
    repeatable_fields: { item: "Item", price: "Price" },
  },
  audiotranscription: { verbatim: false, phrases: ["Steelyard"] },
  documenttranscription: DOCUMENT,
  documentmodel: DOCUMENT,
  chat: CHAT,
  chatexperimental: CHAT,
  chatlite: { ...CHAT, max_turns: 1 },
  multichat: {
    ...CHAT,
    threads: [
      { id: "a", title: "Model A" },
      { id: "b", title: "Model B" },
    ],
  },
  multistage: {
    stages: [
      {
        id: "read",
        type: "transcription",
        params: {
          attachment: "Ines sold the mill to Tomas.",
          attachment_type: "text",
          fields: { text: "Text" },
        },
      },
      {
        id: "names",
        type: "namedentityrecognition",
        params: { labels: [{ name: "person" }, { name: "thing" }] },
        inputs: { text: "{{stages.read.response.fields.text}}" },
        assignee: "different",
      },
    ],
  },
};

/** The example of a type, with its instruction; null for a type without one. */
export function exampleOf(type: string, instruction: string): JsonObject | null {
  const params = EXAMPLES[type];
  return params === undefined ? null : { instruction, ...structuredClone(params) };
}
