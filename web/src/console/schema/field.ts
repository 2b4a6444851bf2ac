/** What the fields of a schema's form share. */

import type { OpenApi } from "../../api/queries";
import type { Json, JsonObject, Schema } from "./schema";

export interface FieldProps {
  readonly name: string;
  readonly schema: Schema;
  readonly document: OpenApi;
  readonly value: Json | undefined;
  readonly required: boolean;
  /** undefined takes the key away. */
  onChange(value: Json | undefined): void;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `annotation_attributes` → `Annotation attributes`. The wire's own word stays readable in it. */
export function titleOf(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Descriptions are written for the API's page; the marks for code say nothing in a form. */
export const plain = (text: string | undefined): string | undefined => text?.replaceAll("`", "");
