/** What the fields of a schema's form share. */

import type { TFunction } from "i18next";
import type { OpenApi } from "../../api/queries";
import type { Json, JsonObject, Schema } from "./schema";

export interface FieldProps {
  readonly name: string;
  /** Whether the name is a customer's own word, which is not translated. */
  readonly named?: boolean;
  readonly schema: Schema;
  readonly document: OpenApi;
  readonly value: Json | undefined;
  readonly required: boolean;
  /** undefined takes the key away. */
  onChange(value: Json | undefined): void;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `annotation_attributes` → `Annotation attributes`, in the language's words where there are some; `fields 2` → `Fields 2`. */
export function titleOf({ name, named = false }: Pick<FieldProps, "name" | "named">, t: TFunction): string {
  const [, field = name, place = ""] = /^(.*?)( \d+)?$/.exec(name) ?? [];
  const words = field.replaceAll("_", " ");
  const title = words.charAt(0).toUpperCase() + words.slice(1);
  return (named ? title : t(`field.${field}`, title)) + place;
}

/** Descriptions are written for the API's page; the marks for code say nothing in a form. */
export const plain = (text: string | undefined): string | undefined => text?.replaceAll("`", "");
