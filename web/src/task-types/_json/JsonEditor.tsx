import { Alert, Code, Grid, JsonInput, Stack, Text, Title, UnstyledButton } from "@mantine/core";
import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { setField } from "../../document/doc";
import { Attachments, type Item } from "../../forms/Attachments";
import type { EditorProps, MediaView } from "../registry";
import { placeOf } from "./place";

const LONGEST = 20_000;

/** For types without an editor: what the task asks and its files on one side, the answer as JSON on the other, with what is wrong by line. */
export default function JsonEditor({ task, media, store, mode, issues, pointed }: EditorProps) {
  const { t } = useTranslation();
  const { doc } = useSyncExternalStore(store.subscribe, store.snapshot);
  const players = useRef(new Map<number, HTMLMediaElement>());
  const field = useRef<HTMLTextAreaElement>(null);
  const given = doc.fields.response;
  const text = typeof given === "string" ? given : "{}";
  const items = useMemo(() => media.map(itemOf), [media]);
  const problems = useMemo(
    () =>
      issues.map((issue) => ({
        ...issue,
        place: issue.field === undefined ? null : placeOf(text, issue.field),
      })),
    [issues, text],
  );
  const editable = mode === "label" || mode === "review";

  function show(place: (typeof problems)[number]["place"]): void {
    const { current } = field;
    if (current === null || place === null) return;
    current.focus();
    current.setSelectionRange(place.start, place.end);
    current.scrollTop = (current.scrollHeight * (place.line - 3)) / text.split("\n").length;
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is asked for moves the cursor, not each letter
  useEffect(() => {
    const at = pointed?.issue.field;
    if (at !== undefined) show(placeOf(text, at));
  }, [pointed]);

  return (
    <Grid p="md" gap="lg" className="steelyard-json">
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack gap="md">
          <Title order={2} size="h4">
            {t("json.params")}
          </Title>
          {task.instruction !== undefined && (
            <Text style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }} dir="auto">
              {task.instruction}
            </Text>
          )}
          <Attachments items={items} players={players} />
          {Object.entries(task.params).map(([name, value]) => (
            <Param key={name} name={name} value={value} />
          ))}
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack gap="sm" style={{ position: "sticky", top: 16 }}>
          <JsonInput
            ref={field}
            label={t("json.answer")}
            description={t("json.hint")}
            value={text}
            onChange={(value) => store.apply(setField("response", value), "json.edited", undefined, "json")}
            readOnly={!editable}
            error={problems.length > 0}
            autosize
            minRows={12}
            maxRows={30}
            dir="ltr"
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          />
          {problems.length > 0 && (
            <Alert color="red" py="xs" title={t("workbench.issues", { count: problems.length })}>
              {problems.map(({ message, place }) => (
                <UnstyledButton
                  key={message}
                  display="block"
                  data-json-issue
                  onClick={() => show(place)}
                  style={{ overflowWrap: "anywhere" }}
                >
                  <Text size="sm">
                    {place === null ? message : t("json.line", { line: place.line, message })}
                  </Text>
                </UnstyledButton>
              ))}
            </Alert>
          )}
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

/** One param by its name: words as words, anything else as JSON, of which the beginning suffices. */
function Param({ name, value }: { readonly name: string; readonly value: unknown }) {
  const { t } = useTranslation();
  const words = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  const text = words ? String(value) : (JSON.stringify(value, null, 2) ?? "");
  const shown = text.slice(0, LONGEST);
  return (
    <div data-param={name}>
      <Text size="sm" fw={600} component="h3" style={{ overflowWrap: "anywhere" }}>
        {name}
      </Text>
      {words ? (
        <Text size="sm" dir="auto" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {shown}
        </Text>
      ) : (
        <Code
          block
          mah={320}
          tabIndex={0}
          role="region"
          aria-label={name}
          style={{ overflow: "auto", whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
        >
          {shown}
        </Code>
      )}
      {text.length > LONGEST && (
        <Text size="xs" c="dimmed">
          {t("json.more", { shown: LONGEST, all: text.length })}
        </Text>
      )}
    </div>
  );
}

function itemOf(file: MediaView): Item {
  const pages = (file.derived as { pages?: Item["pages"] } | null | undefined)?.pages;
  return {
    kind: file.media,
    content: file.path,
    url: file.url,
    title: file.path,
    ...(pages === undefined ? {} : { pages }),
  };
}
