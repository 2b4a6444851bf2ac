/** Params to begin with, for each task type: small, complete but for what tasks bring themselves, and meant to be changed. */

import type { JsonObject } from "../schema/schema";
import EXAMPLES from "./examples.json";

/** The example of a type, with its instruction; null for a type without one. */
export function exampleOf(type: string, instruction: string): JsonObject | null {
  const params = (EXAMPLES as unknown as Readonly<Record<string, JsonObject>>)[type];
  return params === undefined ? null : { instruction, ...structuredClone(params) };
}
