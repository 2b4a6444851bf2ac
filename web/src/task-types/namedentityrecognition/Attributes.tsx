import { Checkbox, MultiSelect, NumberInput, Select, Stack, TextInput, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Value } from "../../document/doc";
import type { DocumentStore } from "../../document/store";
import { setAttribute } from "./actions";
import { type Attribute, type SpanRecord, valuesOf } from "./model";

interface Props {
  readonly span: SpanRecord;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly store: DocumentStore;
  readonly editable: boolean;
}

/** The attributes of one span. */
export function Attributes({ span, attributes, store, editable }: Props) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs">
      <Title order={2} size="h6">
        {t("text.attributes")}
      </Title>
      {Object.entries(attributes).map(([key, attribute]) => (
        <Field
          key={`${span.id} ${key}`}
          name={key}
          attribute={attribute}
          value={span.attributes[key]}
          editable={editable}
          onChange={(value) => setAttribute(store, span.id, key, value)}
        />
      ))}
    </Stack>
  );
}

interface FieldProps {
  readonly name: string;
  readonly attribute: Attribute;
  readonly value: Value | undefined;
  readonly editable: boolean;
  readonly onChange: (value: Value | undefined) => void;
}

function Field({ name, attribute, value, editable, onChange }: FieldProps) {
  const common = {
    label: name,
    description: attribute.description ?? undefined,
    required: attribute.required === true,
    size: "xs" as const,
    disabled: !editable,
  };
  switch (attribute.type ?? "category") {
    case "boolean":
      return (
        <Checkbox
          label={name}
          description={attribute.description ?? undefined}
          size="xs"
          disabled={!editable}
          checked={value === true}
          indeterminate={value === undefined}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "number":
      return (
        <NumberInput
          {...common}
          value={typeof value === "number" ? value : ""}
          onChange={(given) => onChange(typeof given === "number" ? given : undefined)}
        />
      );
    case "text":
      return (
        <TextInput
          {...common}
          value={typeof value === "string" ? value : ""}
          onChange={(event) =>
            onChange(event.currentTarget.value === "" ? undefined : event.currentTarget.value)
          }
        />
      );
    default:
      return attribute.allow_multiple === true ? (
        <MultiSelect
          {...common}
          data={valuesOf(attribute)}
          value={Array.isArray(value) ? (value as string[]) : []}
          onChange={(given) => onChange(given.length === 0 ? undefined : given)}
        />
      ) : (
        <Select
          {...common}
          data={valuesOf(attribute)}
          value={typeof value === "string" ? value : null}
          clearable={attribute.required !== true}
          onChange={(given) => onChange(given ?? undefined)}
        />
      );
  }
}
