import { NumberInput, Select, Switch, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { ListField, ObjectField } from "./Containers";
import { type FieldProps, plain, titleOf } from "./field";
import { JsonField } from "./JsonField";
import { LabelsField } from "./LabelsField";
import { MapField } from "./MapField";
import { resolved, widgetOf } from "./schema";

/** One value of a JSON Schema with the widget that fits it. */
export function SchemaField(props: FieldProps) {
  const { document, value, required, onChange } = props;
  const { t } = useTranslation();
  const schema = resolved(props.schema, document);
  const label = titleOf(props, t);
  const shared = {
    label,
    description: plain(schema.description),
    withAsterisk: required,
    size: "sm" as const,
  };
  const optional = (text: string) => onChange(text === "" && !required ? undefined : text);
  switch (widgetOf(schema)) {
    case "text":
      return (
        <TextInput
          {...shared}
          value={typeof value === "string" ? value : ""}
          onChange={(e) => optional(e.currentTarget.value)}
        />
      );
    case "longtext":
      return (
        <Textarea
          {...shared}
          autosize
          minRows={2}
          maxRows={12}
          value={typeof value === "string" ? value : ""}
          onChange={(e) => optional(e.currentTarget.value)}
        />
      );
    case "number":
      return (
        <NumberInput
          {...shared}
          {...(schema.minimum === undefined ? {} : { min: schema.minimum })}
          {...(schema.maximum === undefined ? {} : { max: schema.maximum })}
          allowDecimal={schema.type === "number"}
          value={typeof value === "number" ? value : ""}
          onChange={(given) => onChange(typeof given === "number" ? given : undefined)}
          maw={260}
        />
      );
    case "switch":
      return (
        <Switch
          label={label}
          description={plain(schema.description)}
          checked={value === true}
          onChange={(e) => onChange(e.currentTarget.checked ? true : required ? false : undefined)}
        />
      );
    case "select":
      return (
        <Select
          {...shared}
          data={(schema.enum ?? []).map(String)}
          value={value === undefined || value === null ? null : String(value)}
          onChange={(given) => onChange(given ?? undefined)}
          clearable={!required}
          maw={320}
        />
      );
    case "strings":
      return (
        <TagsInput
          {...shared}
          placeholder={t("console.addWithEnter")}
          value={Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : []}
          onChange={(given) => onChange(given.length === 0 && !required ? undefined : given)}
        />
      );
    case "labels":
      return <LabelsField {...props} shared={shared} />;
    case "object":
      return <ObjectField {...props} schema={schema} />;
    case "list":
      return <ListField {...props} schema={schema} />;
    case "map":
      return <MapField {...props} schema={schema} />;
    default:
      return (
        <JsonField label={label} description={plain(schema.description)} value={value} onChange={onChange} />
      );
  }
}
