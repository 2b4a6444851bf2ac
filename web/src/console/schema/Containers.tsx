import { ActionIcon, Box, Button, Group, Stack, Text } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { type FieldProps, isObject, plain, titleOf } from "./field";
import { SchemaField } from "./SchemaField";
import { blank, type Schema, shownFirst } from "./schema";

function Frame({ props, children }: { props: FieldProps; children: ReactNode }) {
  const { t } = useTranslation();
  const { schema, required, onChange } = props;
  const title = titleOf(props, t);
  return (
    <Box component="fieldset" className="sy-panel" px="md" py="sm" m={0}>
      <Text component="legend" size="sm" fw={600} px={4}>
        {title}
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
            aria-label={t("console.removeItem", { name: title })}
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
function Absent(props: FieldProps) {
  const { schema, document, onChange } = props;
  const { t } = useTranslation();
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconPlus size={14} aria-hidden />}
      onClick={() => onChange(blank(schema, document))}
      style={{ alignSelf: "start" }}
      title={plain(schema.description)}
    >
      {titleOf(props, t)}
    </Button>
  );
}

/** An object with the fields of its schema. */
export function ObjectField(props: FieldProps) {
  if (!isObject(props.value) && !props.required) return <Absent {...props} />;
  return (
    <Frame props={props}>
      <Properties {...props} />
    </Frame>
  );
}

/** The fields of an object: of many only what must be there or is, until the others are wanted. */
function Properties({ schema, document, value, onChange }: FieldProps) {
  const { t } = useTranslation();
  const now = isObject(value) ? value : {};
  const [all, setAll] = useState(false);
  const [first] = useState(() => shownFirst(schema, now));
  const fields = Object.entries(schema.properties ?? {});
  const shown = all ? fields : fields.filter(([key]) => first.has(key));
  return (
    <Stack gap="sm">
      {shown.map(([key, field]) => (
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
      {shown.length < fields.length && (
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconPlus size={14} aria-hidden />}
          style={{ alignSelf: "start" }}
          onClick={() => setAll(true)}
        >
          {t("console.moreParams")}
        </Button>
      )}
    </Stack>
  );
}

/** A list of values of one schema. */
export function ListField(props: FieldProps) {
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
              aria-label={t("console.removeItem", { name: `${titleOf(props, t)} ${at + 1}` })}
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
