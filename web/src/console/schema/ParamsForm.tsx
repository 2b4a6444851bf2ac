import { Accordion, Stack, Tabs, Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { OpenApi } from "../../api/queries";
import { JsonField } from "./JsonField";
import { SchemaField } from "./SchemaField";
import { grouped, type JsonObject, paramsSchema } from "./schema";

interface ParamsFormProps {
  readonly type: string;
  readonly document: OpenApi;
  readonly value: JsonObject;
  onChange(value: JsonObject): void;
}

/** The params of a project as a form made from the type's schema, or as JSON. Nothing is required here: tasks may bring the rest. */
export function ParamsForm({ type, document, value, onChange }: ParamsFormProps) {
  const { t } = useTranslation();
  const [tab, setTab] = useState<string | null>("form");
  const schema = paramsSchema(type, document);
  if (schema === undefined) return null;
  const { main, more, each } = grouped(schema);
  // The route's body asks for nothing, since a project may bring it; what the type itself needs is in its component.
  const own = document.components.schemas[schema.title ?? ""] as { required?: readonly string[] } | undefined;
  const needed = new Set(own?.required ?? schema.required ?? []);
  const fields = (names: readonly string[], wanted = false) => (
    <Stack gap="sm">
      {names.map((name) => (
        <SchemaField
          key={name}
          name={name}
          schema={schema.properties?.[name] ?? {}}
          document={document}
          value={value[name]}
          required={wanted && needed.has(name)}
          onChange={(given) => {
            const next = { ...value };
            if (given === undefined) delete next[name];
            else next[name] = given;
            onChange(next);
          }}
        />
      ))}
    </Stack>
  );
  return (
    <Tabs value={tab} onChange={setTab} keepMounted={false}>
      <Tabs.List mb="sm">
        <Tabs.Tab value="form">{t("console.form")}</Tabs.Tab>
        <Tabs.Tab value="json">JSON</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="form">
        <Textarea
          label={t("console.instruction")}
          description={t("console.instructionHint")}
          value={typeof value.instruction === "string" ? value.instruction : ""}
          onChange={(event) => {
            const { instruction: _, ...rest } = value;
            onChange(
              event.currentTarget.value === "" ? rest : { ...rest, instruction: event.currentTarget.value },
            );
          }}
          autosize
          minRows={2}
          mb="sm"
        />
        {fields(main, true)}
        <Accordion variant="separated" mt="md" multiple>
          {more.length > 0 && (
            <Accordion.Item value="more">
              <Accordion.Control>{t("console.moreParams")}</Accordion.Control>
              <Accordion.Panel>{fields(more)}</Accordion.Panel>
            </Accordion.Item>
          )}
          {each.length > 0 && (
            <Accordion.Item value="each">
              <Accordion.Control>{t("console.eachTask")}</Accordion.Control>
              <Accordion.Panel>{fields(each)}</Accordion.Panel>
            </Accordion.Item>
          )}
        </Accordion>
      </Tabs.Panel>
      <Tabs.Panel value="json">
        <JsonField
          label={t("console.params")}
          value={value}
          rows={14}
          onChange={(given) => {
            if (given === undefined) onChange({});
            else if (typeof given === "object" && given !== null && !Array.isArray(given)) onChange(given);
          }}
        />
      </Tabs.Panel>
    </Tabs>
  );
}
