import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Question, useQuestion } from "./confirm";

/** The dialog of `confirmed`; over drawers and other dialogs, from which questions may come. */
export default function ConfirmDialog() {
  const asked = useQuestion((state) => state.asked);
  const { t } = useTranslation();
  const no = () => asked?.answer(false);
  return (
    <Modal
      opened={asked !== null}
      onClose={no}
      title={asked?.title}
      zIndex={300}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      {asked !== null && <Ask question={asked} onAnswer={asked.answer} />}
    </Modal>
  );
}

function Ask({ question, onAnswer }: { question: Question; onAnswer: (yes: boolean) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const ready = question.typed === undefined || typed.trim() === question.typed;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) onAnswer(true);
      }}
    >
      <Stack gap="md">
        <Text size="sm" style={{ whiteSpace: "pre-line" }}>
          {question.text}
        </Text>
        {question.typed !== undefined && (
          <TextInput
            label={t("app.typeToConfirm", { word: question.typed })}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
        )}
        <Group justify="end" gap="xs">
          <Button variant="default" onClick={() => onAnswer(false)}>
            {t("app.back")}
          </Button>
          <Button type="submit" color={question.danger ? "red" : undefined} disabled={!ready}>
            {question.confirm}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
