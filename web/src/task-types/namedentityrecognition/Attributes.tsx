import {
  Checkbox,
  Group,
  MultiSelect,
  NumberInput,
  Radio,
  Select,
  Stack,
  TextInput,
  Title,
} from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Value } from "../../document/doc";
import type { DocumentStore } from "../../document/store";
import type { Issue } from "../registry";
import { setAttribute } from "./actions";
import { type Attribute, type SpanRecord, valuesOf } from "./model";

interface Props {
  readonly span: SpanRecord;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly store: DocumentStore;
  readonly editable: boolean;
  readonly issues: readonly Issue[];
}

/** With more values than this a list opens instead of standing there. */
const FEW = 6;

/** The attributes of one span. */
export function Attributes({ span, attributes, store, editable, issues }: Props) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs">
      <Title order={2} size="h6">
        {t("text.attributes")}
      </Title>
      {Object.entries(attributes).map(([key, attribute]) => {
        const issue = issues.find(({ record, field }) => record === span.id && field === key);
        const value = span.attributes[key];
        return (
          <div
            key={`${span.id} ${key}`}
            data-question={issue !== undefined ? "wrong" : value === undefined ? "open" : "done"}
          >
            <Field
              name={key}
              attribute={attribute}
              value={value}
              editable={editable}
              error={issue !== undefined}
              onChange={(next) => setAttribute(store, span.id, key, next)}
            />
          </div>
        );
      })}
    </Stack>
  );
}

interface FieldProps {
  readonly name: string;
  readonly attribute: Attribute;
  readonly value: Value | undefined;
  readonly editable: boolean;
  readonly error: boolean;
  readonly onChange: (value: Value | undefined) => void;
}

function Field({ name, attribute, value, editable, error, onChange }: FieldProps) {
  const common = {
    label: name,
    description: attribute.description ?? undefined,
    required: attribute.required === true,
    size: "xs" as const,
    disabled: !editable,
    error,
  };
  const values = valuesOf(attribute);
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
      if (attribute.allow_multiple !== true && values.length <= FEW)
        return (
          <Radio.Group
            {...common}
            value={typeof value === "string" ? value : ""}
            onChange={(given) => onChange(given)}
          >
            <Group gap="sm" mt={4}>
              {values.map(({ value: one, label }, i) => (
                <Radio
                  key={one}
                  size="xs"
                  value={one}
                  disabled={!editable}
                  label={
                    <>
                      {label}
                      <span className="steelyard-digit" aria-hidden="true">
                        {i + 1}
                      </span>
                    </>
                  }
                  onClick={() => {
                    if (value === one && attribute.required !== true) onChange(undefined);
                  }}
                />
              ))}
            </Group>
          </Radio.Group>
        );
      return attribute.allow_multiple === true ? (
        <MultiSelect
          {...common}
          data={values}
          value={Array.isArray(value) ? (value as string[]) : []}
          onChange={(given) => onChange(given.length === 0 ? undefined : given)}
        />
      ) : (
        <Select
          {...common}
          data={values}
          value={typeof value === "string" ? value : null}
          clearable={attribute.required !== true}
          onChange={(given) => onChange(given ?? undefined)}
        />
      );
  }
}
