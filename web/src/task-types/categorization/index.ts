/** Categorization: one flat list of categories, or several taxonomies, some asked only after certain choices (task-types-text §3). */

import type { Value } from "../../document/doc";
import type { Choice, Field } from "../../forms/fields";
import { formModule, oneAttachment } from "../_form";
import type { WireTask } from "../registry";

type Label =
  | string
  | {
      readonly choice: string;
      readonly subchoices?: readonly Label[] | null;
      readonly display?: string | null;
      readonly description?: string | null;
    };

interface Taxonomy {
  readonly type: "category" | "number" | "text";
  readonly description: string;
  readonly choices?: readonly Label[] | string | null;
  readonly allow_multiple?: boolean | null;
  readonly condition?: { readonly taxonomy: string; readonly choices: readonly string[] | string } | null;
  readonly [rule: string]: unknown;
}

interface Params {
  readonly categories?: readonly string[] | string | null;
  readonly category_ids?: Readonly<Record<string, string>> | null;
  readonly allow_multiple?: boolean | null;
  readonly taxonomies?: Readonly<Record<string, Taxonomy>> | null;
  readonly hypothesis?: Response | null;
}

interface Response {
  readonly category?: string | readonly string[];
  readonly taxonomies?: Readonly<Record<string, Value>>;
}

const FLAT = "category";
const MANY = 1000;
const paramsOf = (task: WireTask): Params => task.params as Params;
const categoriesOf = (params: Params): string[] =>
  typeof params.categories === "string" ? [params.categories] : [...(params.categories ?? [])];

function choicesOf(labels: readonly Label[] | string | null | undefined): Choice[] {
  const list = typeof labels === "string" ? [labels] : (labels ?? []);
  return list.map((label) =>
    typeof label === "string"
      ? { value: label, label }
      : {
          value: label.choice,
          label: label.display ?? label.choice,
          hint: label.description ?? null,
          subchoices: label.subchoices?.length ? choicesOf(label.subchoices) : null,
        },
  );
}

function fields(task: WireTask): Field[] {
  const params = paramsOf(task);
  if (params.taxonomies === null || params.taxonomies === undefined) {
    const choices = choicesOf(categoriesOf(params));
    return [
      {
        type: "category",
        field_id: FLAT,
        title: task.instruction ?? FLAT,
        required: true,
        choices,
        max_choices: params.allow_multiple === true ? choices.length : 1,
      },
    ];
  }
  return Object.entries(params.taxonomies).map(([field_id, taxonomy]): Field => {
    const { condition } = taxonomy;
    return {
      ...taxonomy,
      field_id,
      title: taxonomy.description,
      description: null,
      required: true,
      choices: choicesOf(taxonomy.choices),
      max_choices: taxonomy.allow_multiple === true ? MANY : 1,
      conditions: condition ? { [condition.taxonomy]: { choices: condition.choices } } : null,
    };
  });
}

export default formModule({
  fields,
  attachments: oneAttachment,
  answers: (response) => {
    const { category, taxonomies } = response as Response;
    if (category !== undefined && category !== null)
      return { [FLAT]: typeof category === "string" ? [category] : category };
    return taxonomies ?? {};
  },
  hypothesis: (task) => paramsOf(task).hypothesis,
  response: (answers, task) => {
    const params = paramsOf(task);
    if (params.taxonomies !== null && params.taxonomies !== undefined) return { taxonomies: answers };
    const given = (answers[FLAT] ?? []) as readonly string[];
    const ids = new Map(Object.entries(params.category_ids ?? {}).map(([id, category]) => [category, id]));
    const known = given.filter((category) => ids.has(category)).map((category) => ids.get(category) ?? "");
    if (params.allow_multiple === true)
      return { category: given, ...(known.length > 0 ? { category_id: known } : {}) };
    return { category: given[0], ...(known.length > 0 ? { category_id: known[0] } : {}) };
  },
});
