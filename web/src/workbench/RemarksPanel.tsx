import {
  ActionIcon,
  Badge,
  Box,
  Button,
  Group,
  Paper,
  ScrollArea,
  Stack,
  Text,
  Textarea,
  Title,
} from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { DocumentStore } from "../document/store";
import type { Remark } from "../task-types/registry";

interface Props {
  /** Remarks that were there before; own ones are written with the verdict. */
  readonly given: readonly Remark[];
  readonly own: readonly Remark[];
  readonly editable: boolean;
  /** Counts how often a remark was asked for by a key: the field takes the focus. */
  readonly asked?: number;
  readonly store: DocumentStore;
  readonly onChange: (own: readonly Remark[]) => void;
}

/** Remarks, each pinned to an annotation or to the whole answer; a click selects the annotation. */
export function RemarksPanel({ given, own, editable, asked = 0, store, onChange }: Props) {
  const { t } = useTranslation();
  const { selection, doc } = useSyncExternalStore(store.subscribe, store.snapshot);
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (asked > 0) field.current?.focus();
  }, [asked]);
  const selected = [...selection][0];
  const add = () => {
    if (text.trim() === "") return;
    onChange([...own, { text: text.trim(), annotation_id: selected ?? null }]);
    setText("");
  };
  return (
    <Box component="aside" w={300} aria-label={t("workbench.remarks.title")} className="steelyard-remarks">
      <ScrollArea h="100%" p="sm" tabIndex={0}>
        <Stack gap="sm">
          <Title order={2} size="h5">
            {t("workbench.remarks.title")}
          </Title>
          {given.length + own.length === 0 && (
            <Text size="sm" c="dimmed">
              {t("workbench.remarks.none")}
            </Text>
          )}
          {given.map((remark, i) => (
            <RemarkCard key={remark.id ?? `given-${i}`} remark={remark} store={store} known={known(remark)} />
          ))}
          {own.map((remark, i) => (
            <RemarkCard
              // biome-ignore lint/suspicious/noArrayIndexKey: own remarks have no id before they are sent
              key={`own-${i}`}
              remark={remark}
              store={store}
              known={known(remark)}
              onRemove={() => onChange(own.filter((_, n) => n !== i))}
            />
          ))}
          {editable && (
            <>
              <Textarea
                ref={field}
                label={t(selected === undefined ? "workbench.remarks.whole" : "workbench.remarks.pinned", {
                  label: doc.records.get(selected ?? "")?.label ?? "",
                })}
                placeholder={t("workbench.remarks.placeholder")}
                value={text}
                autosize
                minRows={2}
                maxRows={8}
                maxLength={5000}
                onChange={(event) => setText(event.currentTarget.value)}
                onKeyDown={(event) => {
                  if (event.key === "Escape") event.currentTarget.blur();
                  if (
                    event.key !== "Enter" ||
                    event.shiftKey ||
                    event.ctrlKey ||
                    event.metaKey ||
                    event.nativeEvent.isComposing
                  )
                    return;
                  event.preventDefault();
                  add();
                }}
              />
              <Button size="xs" variant="light" disabled={text.trim() === ""} onClick={add}>
                {t("workbench.remarks.add")}
              </Button>
            </>
          )}
        </Stack>
      </ScrollArea>
    </Box>
  );

  function known(remark: Remark): boolean {
    return typeof remark.annotation_id === "string" && doc.records.has(remark.annotation_id);
  }
}

interface CardProps {
  readonly remark: Remark;
  readonly store: DocumentStore;
  readonly known: boolean;
  readonly onRemove?: () => void;
}

function RemarkCard({ remark, store, known, onRemove }: CardProps) {
  const { t } = useTranslation();
  const pinned = remark.annotation_id ?? null;
  return (
    <Paper withBorder p="xs" radius="sm">
      <Group justify="space-between" wrap="nowrap" mb={2} gap={4}>
        <Text size="xs" c="dimmed" truncate>
          {remark.author ?? t("workbench.remarks.yours")}
        </Text>
        {pinned !== null && (
          <Badge
            size="xs"
            variant="light"
            component="button"
            type="button"
            disabled={!known}
            onClick={() => store.select([pinned])}
          >
            {known
              ? (store.doc.records.get(pinned)?.label ?? t("workbench.remarks.show"))
              : t("workbench.remarks.gone")}
          </Badge>
        )}
        {onRemove !== undefined && (
          <ActionIcon
            size="xs"
            variant="subtle"
            color="gray"
            aria-label={t("workbench.remarks.remove")}
            onClick={onRemove}
          >
            <IconTrash size={14} />
          </ActionIcon>
        )}
      </Group>
      <Text size="sm" dir="auto" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {remark.text}
      </Text>
    </Paper>
  );
}
