import { Button, Group, Modal, Paper, ScrollArea, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { EMPTY_DOC, fromJson } from "../document/doc";
import { DocumentStore } from "../document/store";
import { asDraft, type OpenWork } from "./open";

const nothing = () => () => undefined;

/** Two versions of one draft, each as the editor shows it; nothing is thrown away before the person has chosen. */
export function ConflictDialog({ open }: { readonly open: OpenWork }) {
  const { t } = useTranslation();
  const { conflict } = open.outbox;
  const theirs = useMemo(() => {
    const draft = asDraft(conflict?.theirs);
    return new DocumentStore(draft === null ? EMPTY_DOC : fromJson(draft.doc));
  }, [conflict]);
  const { Editor } = open.type;
  const counted = open.store.doc.records.size + theirs.doc.records.size > 0;
  const heading = (whose: "mine" | "theirs", store: DocumentStore) =>
    counted
      ? t(`workbench.conflict.${whose}`, { count: store.doc.records.size })
      : t(whose === "mine" ? "workbench.conflict.here" : "workbench.conflict.elsewhere");
  const view = (store: DocumentStore) => (
    <Paper withBorder h="60vh" style={{ overflow: "hidden" }}>
      <ScrollArea h="100%">
        <Editor
          task={open.work.task}
          media={open.work.media}
          store={store}
          mode="view"
          before={null}
          remarks={[]}
          issues={[]}
          registerCommands={nothing}
          memory={new Map()}
        />
      </ScrollArea>
    </Paper>
  );
  return (
    <Modal
      opened
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      size="95%"
      title={t("workbench.conflict.title")}
    >
      <Stack>
        <Text size="sm">{t("workbench.conflict.text")}</Text>
        <SimpleGrid cols={2}>
          <Stack gap="xs">
            <Group justify="space-between">
              <Title order={3} size="h5">
                {heading("mine", open.store)}
              </Title>
              <Button size="xs" data-autofocus onClick={() => open.outbox.settle("mine")}>
                {t("workbench.conflict.keepMine")}
              </Button>
            </Group>
            {view(open.store)}
          </Stack>
          <Stack gap="xs">
            <Group justify="space-between">
              <Title order={3} size="h5">
                {heading("theirs", theirs)}
              </Title>
              <Button size="xs" variant="default" onClick={() => open.takeTheirs()}>
                {t("workbench.conflict.takeTheirs")}
              </Button>
            </Group>
            {view(theirs)}
          </Stack>
        </SimpleGrid>
      </Stack>
    </Modal>
  );
}
