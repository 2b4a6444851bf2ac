import { Grid, JsonInput, ScrollArea, Stack, Text, Title } from "@mantine/core";
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { setField } from "../../document/doc";
import type { EditorProps } from "../registry";

/** The answer as JSON, the task's params and files beside it. */
export function JsonEditor({ task, media, store, mode, issues }: EditorProps) {
  const { t } = useTranslation();
  const { doc } = useSyncExternalStore(store.subscribe, store.snapshot);
  const given = doc.fields.response;
  return (
    <Grid p="md" gap="lg">
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack gap="sm">
          <Title order={2} size="h4">
            {t("json.params")}
          </Title>
          {media.map((file) => (
            <Text key={file.path} size="sm">
              {file.path}:{" "}
              <a href={file.url} target="_blank" rel="noreferrer">
                {file.mime_type ?? file.media}
              </a>
            </Text>
          ))}
          <ScrollArea.Autosize mah="70vh">
            <pre>{JSON.stringify(task.params, null, 2)}</pre>
          </ScrollArea.Autosize>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <JsonInput
          label={t("json.answer")}
          description={t("json.hint")}
          value={typeof given === "string" ? given : "{}"}
          onChange={(value) => store.apply(setField("response", value), "json.edited")}
          readOnly={mode === "view"}
          error={issues[0]?.message}
          autosize
          minRows={12}
          maxRows={30}
          formatOnBlur
        />
      </Grid.Col>
    </Grid>
  );
}
