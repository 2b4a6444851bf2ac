import { Box, Button, Group, Text, Title } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { DocumentStore } from "../document/store";
import type { Submitted } from "./calls";
import type { OpenWork } from "./open";

interface Given {
  readonly passed?: boolean;
  readonly score?: number;
  readonly expected_response?: unknown;
}

const nothing = () => () => undefined;

/** After a training task: the score and the right answer, with the person's own beneath it for comparison. */
export function Feedback({
  open,
  submitted,
  onProceed,
}: {
  readonly open: OpenWork;
  readonly submitted: Submitted;
  readonly onProceed: () => void;
}) {
  const { t } = useTranslation();
  const given = submitted.feedback as Given;
  const store = useMemo(
    () => new DocumentStore(open.type.load(open.work.task, open.work.media, given.expected_response ?? null)),
    [open, given],
  );
  const { Editor } = open.type;
  return (
    <>
      <Group px="md" h={56} justify="space-between" component="header" className="steelyard-workbench-header">
        <Title
          order={1}
          size="h4"
          className="steelyard-save"
          data-save-state={given.passed === true ? "saved" : "local"}
        >
          {t(given.passed === true ? "workbench.feedback.passed" : "workbench.feedback.failed")}
        </Title>
        <Text size="sm">{t("workbench.feedback.text", { score: Math.round((given.score ?? 0) * 100) })}</Text>
        <Button onClick={onProceed} data-autofocus autoFocus>
          {t("workbench.feedback.next")}
        </Button>
      </Group>
      <Box component="main" id="main" style={{ flex: 1, minHeight: 0, overflow: "auto" }}>
        <Editor
          task={open.work.task}
          media={open.work.media}
          store={store}
          mode="view"
          before={open.store.doc}
          remarks={[]}
          issues={[]}
          registerCommands={nothing}
          memory={new Map()}
        />
      </Box>
    </>
  );
}
