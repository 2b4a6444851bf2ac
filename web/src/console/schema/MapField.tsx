import { ActionIcon, Box, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type FieldProps, isObject, plain, titleOf } from "./field";
import { SchemaField } from "./SchemaField";
import { blank, resolved, type Schema } from "./schema";

/** An object whose keys are chosen freely: entries by name. */
export function MapField(props: FieldProps) {
  const { schema, document, value, onChange } = props;
  const { t } = useTranslation();
  const [key, setKey] = useState("");
  const now = isObject(value) ? value : {};
  const each = resolved(schema.additionalProperties as Schema, document);
  function add() {
    const given = key.trim();
    if (given === "" || given in now) return;
    onChange({ ...now, [given]: blank(each, document) });
    setKey("");
  }
  function without(gone: string) {
    const next = { ...now };
    delete next[gone];
    onChange(Object.keys(next).length === 0 ? undefined : next);
  }
  return (
    <Box component="fieldset" className="sy-panel" px="md" py="sm" m={0}>
      <Text component="legend" size="sm" fw={600} px={4}>
        {titleOf(props, t)}
      </Text>
      <Text size="xs" c="dimmed" mb={6}>
        {plain(schema.description)}
      </Text>
      <Stack gap="sm">
        {Object.entries(now).map(([entry, held]) => (
          <Group key={entry} align="start" wrap="nowrap">
            <Box flex={1} miw={0}>
              <SchemaField
                name={entry}
                named
                schema={each}
                document={document}
                value={held}
                required
                onChange={(given) => onChange({ ...now, [entry]: given ?? null })}
              />
            </Box>
            <ActionIcon
              variant="default"
              aria-label={t("console.removeItem", { name: entry })}
              onClick={() => without(entry)}
            >
              <IconTrash size={14} aria-hidden />
            </ActionIcon>
          </Group>
        ))}
        <Group align="end" gap="xs">
          <TextInput
            size="xs"
            label={t("console.newKey")}
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              add();
            }}
          />
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={add}
            disabled={key.trim() === "" || key.trim() in now}
          >
            {t("console.addItem")}
          </Button>
        </Group>
      </Stack>
    </Box>
  );
}
