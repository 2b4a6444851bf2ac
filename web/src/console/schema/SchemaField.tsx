import {
  ActionIcon,
  Box,
  Button,
  Group,
  NumberInput,
  Select,
  Stack,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { OpenApi } from "../../api/queries";
import { JsonField } from "./JsonField";
import { labelText, labelTree } from "./labels";
import { MapField } from "./MapField";
import { blank, type Json, type JsonObject, resolved, type Schema, widgetOf } from "./schema";

export interface FieldProps {
  readonly name: string;
  readonly schema: Schema;
  readonly document: OpenApi;
  readonly value: Json | undefined;
  readonly required: boolean;
  /** undefined takes the key away. */
  onChange(value: Json | undefined): void;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `annotation_attributes` → `Annotation attributes`. The wire's own word stays readable in it. */
export function titleOf(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Descriptions are written for the API's page; the marks for code say nothing in a form. */
export const plain = (text: string | undefined): string | undefined => text?.replaceAll("`", "");

/** One value of a JSON Schema with the widget that fits it. */
export function SchemaField(props: FieldProps) {
  const { name, document, value, required, onChange } = props;
  const { t } = useTranslation();
  const schema = resolved(props.schema, document);
  const label = titleOf(name);
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
      return <Labels {...props} shared={shared} />;
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

function Labels({ value, onChange, required, shared, name }: FieldProps & { shared: object }) {
  const { t } = useTranslation();
  const text = labelText(value);
  if (text === null) return <JsonField label={titleOf(name)} value={value} onChange={onChange} />;
  return (
    <Textarea
      {...shared}
      description={t("console.labelsHint")}
      autosize
      minRows={3}
      maxRows={16}
      defaultValue={text}
      onChange={(e) => {
        const tree = labelTree(e.currentTarget.value);
        onChange(tree.length === 0 && !required ? undefined : tree);
      }}
      className="sy-mono"
    />
  );
}

function Frame({ props, children }: { props: FieldProps; children: React.ReactNode }) {
  const { t } = useTranslation();
  const { name, schema, required, onChange } = props;
  return (
    <Box component="fieldset" className="sy-panel" px="md" py="sm" m={0}>
      <Text component="legend" size="sm" fw={600} px={4}>
        {titleOf(name)}
        {required && <span aria-hidden> *</span>}
      </Text>
      <Group justify="space-between" wrap="nowrap" align="start" mb={4}>
        <Text size="xs" c="dimmed">
          {plain(schema.description)}
        </Text>
        {!required && (
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={t("console.removeItem", { name: titleOf(name) })}
            onClick={() => onChange(undefined)}
          >
            <IconTrash size={14} aria-hidden />
          </ActionIcon>
        )}
      </Group>
      {children}
    </Box>
  );
}

/** Parts that may be left out are a button until they are wanted. */
function Absent({ name, schema, document, onChange }: FieldProps) {
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconPlus size={14} aria-hidden />}
      onClick={() => onChange(blank(schema, document))}
      style={{ alignSelf: "start" }}
      title={plain(schema.description)}
    >
      {titleOf(name)}
    </Button>
  );
}

function ObjectField(props: FieldProps) {
  const { schema, document, value, required, onChange } = props;
  if (!isObject(value) && !required) return <Absent {...props} />;
  const now = isObject(value) ? value : {};
  return (
    <Frame props={props}>
      <Stack gap="sm">
        {Object.entries(schema.properties ?? {}).map(([key, field]) => (
          <SchemaField
            key={key}
            name={key}
            schema={field}
            document={document}
            value={now[key]}
            required={schema.required?.includes(key) ?? false}
            onChange={(given) => {
              const next = { ...now };
              if (given === undefined) delete next[key];
              else next[key] = given;
              onChange(next);
            }}
          />
        ))}
      </Stack>
    </Frame>
  );
}

function ListField(props: FieldProps) {
  const { name, schema, document, value, required, onChange } = props;
  const { t } = useTranslation();
  const items = schema.items as Schema;
  if (!Array.isArray(value) && !required) return <Absent {...props} />;
  const now = Array.isArray(value) ? value : [];
  return (
    <Frame props={props}>
      <Stack gap="sm">
        {now.map((item, at) => (
          <Group
            // biome-ignore lint/suspicious/noArrayIndexKey: entries have no name of their own and keep their place while edited
            key={at}
            align="start"
            wrap="nowrap"
          >
            <Box flex={1} miw={0}>
              <SchemaField
                name={`${name} ${at + 1}`}
                schema={items}
                document={document}
                value={item}
                required
                onChange={(given) => onChange(now.map((other, i) => (i === at ? (given ?? null) : other)))}
              />
            </Box>
            <ActionIcon
              variant="default"
              aria-label={t("console.removeItem", { name: `${titleOf(name)} ${at + 1}` })}
              onClick={() => onChange(now.filter((_, i) => i !== at))}
            >
              <IconTrash size={14} aria-hidden />
            </ActionIcon>
          </Group>
        ))}
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          style={{ alignSelf: "start" }}
          onClick={() => onChange([...now, blank(items, document)])}
        >
          {t("console.addItem")}
        </Button>
      </Stack>
    </Frame>
  );
}
