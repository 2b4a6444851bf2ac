/** JSON Schemas of the API's document, made simple enough to draw a form from. No React. */

import type { OpenApi } from "../../api/queries";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly Json[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly [key: string]: unknown;
}

const REF = "#/components/schemas/";

/** Follows references and takes `null` out of alternatives; what the field says of itself wins over what it refers to. */
export function resolved(schema: Schema, document: OpenApi): Schema {
  let now = schema;
  for (let depth = 0; depth < 20; depth++) {
    const { description } = now;
    let next: Schema | undefined;
    if (now.$ref?.startsWith(REF)) next = document.components.schemas[now.$ref.slice(REF.length)] as Schema;
    else if (now.anyOf !== undefined) {
      const real = now.anyOf.filter((option) => option.type !== "null");
      if (real.length === 1) next = real[0];
    }
    if (next === undefined) return now;
    now = description === undefined ? next : { ...next, description };
  }
  return now;
}

/** The schema of a task type's params, or undefined for a type that there is not. */
export function paramsSchema(type: string, document: OpenApi): Schema | undefined {
  const path = document.paths[`/v1/task/${type}`] as
    | { post?: { requestBody?: { content?: Record<string, { schema?: Schema }> } } }
    | undefined;
  const body = path?.post?.requestBody?.content?.["application/json"]?.schema;
  return body === undefined ? undefined : withParams(body, document);
}

function withParams(body: Schema, document: OpenApi): Schema | undefined {
  for (const part of body.allOf ?? [body]) {
    const whole = resolved(part, document);
    if (part.$ref?.endsWith("Params") || whole.title?.endsWith("Params")) return whole;
  }
  return undefined;
}

/** Task types that tasks can be created of, in order of the alphabet. */
export function taskTypes(document: OpenApi): string[] {
  return Object.keys(document.paths)
    .flatMap((path) => /^\/v1\/task\/([a-z0-9]+)$/.exec(path)?.[1] ?? [])
    .sort();
}

export type Widget =
  | "text"
  | "longtext"
  | "number"
  | "switch"
  | "select"
  | "labels"
  | "strings"
  | "object"
  | "list"
  | "map"
  | "json";

const isLabels = (option: Schema): boolean =>
  option.type === "array" &&
  (option.items?.anyOf?.some((item) => item.$ref?.endsWith("LabelDescription")) ?? false);

/** What a value of this schema is best entered with. */
export function widgetOf(schema: Schema): Widget {
  if (schema.enum !== undefined) return "select";
  const options = (schema.anyOf ?? []).filter((option) => option.type !== "null");
  if (isLabels(schema) || options.some(isLabels)) return "labels";
  if (options.length > 1) {
    const kinds = new Set(options.map((option) => option.type));
    if (kinds.size === 2 && kinds.has("array") && kinds.has("string"))
      return options.some((o) => o.items?.type === "string") ? "strings" : "json";
    return "json";
  }
  switch (schema.type) {
    case "string":
      return (schema.maxLength ?? 0) > 20_000 ? "longtext" : "text";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "switch";
    case "array":
      return schema.items?.type === "string" ? "strings" : schema.items === undefined ? "json" : "list";
    case "object":
      if (schema.properties !== undefined) return "object";
      return typeof schema.additionalProperties === "object" ? "map" : "json";
    default:
      return "json";
  }
}

/** What a task brings along itself and a project rarely says. */
const OF_EACH_TASK = new Set([
  "attachment",
  "attachments",
  "text",
  "hypothesis",
  "base_annotations",
  "context_attachments",
  "layers",
  "messages",
  "frames",
  "responses_required",
]);

const REFINES = /^(can_|padding|condition_mode|title$|description$|min_|max_|.*_ids$|links$)/;

/** Names of a params schema's fields: what a project is about first, then what refines it, then what each task brings itself. */
export function grouped(schema: Schema): { main: string[]; more: string[]; each: string[] } {
  const required = new Set(schema.required ?? []);
  const names = Object.keys(schema.properties ?? {});
  const rest = names.filter((name) => !OF_EACH_TASK.has(name));
  const isMain = (name: string) => required.has(name) || !REFINES.test(name);
  return {
    main: [...rest.filter((n) => required.has(n)), ...rest.filter((n) => !required.has(n) && isMain(n))],
    more: rest.filter((name) => !isMain(name)),
    each: names.filter((name) => OF_EACH_TASK.has(name)),
  };
}

/** As many fields as are seen at a glance. */
const FEW = 8;

/** Which fields of an object are shown before the others are asked for: all of a few, else what it needs and what it has. */
export function shownFirst(schema: Schema, value: JsonObject): ReadonlySet<string> {
  const names = Object.keys(schema.properties ?? {});
  const needed = new Set(schema.required ?? []);
  const wanted = names.filter((name) => needed.has(name) || name in value);
  return new Set(names.length <= FEW || wanted.length === 0 ? names : wanted);
}

/** A value to begin with where an optional part is added. */
export function blank(schema: Schema, document: OpenApi): Json {
  const real = resolved(schema, document);
  switch (widgetOf(real)) {
    case "object":
      return Object.fromEntries(
        (real.required ?? []).flatMap((name) => {
          const field = real.properties?.[name];
          return field === undefined ? [] : [[name, blank(field, document)] as [string, Json]];
        }),
      );
    case "list":
    case "labels":
    case "strings":
      return [];
    case "map":
    case "json":
      return {};
    case "switch":
      return false;
    case "number":
      return (real.minimum as number | undefined) ?? 0;
    case "select":
      return (real.enum?.[0] as Json | undefined) ?? null;
    default:
      return "";
  }
}
