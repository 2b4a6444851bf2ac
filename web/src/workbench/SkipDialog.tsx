import { Button, Group, Modal, Stack, Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onSkip: (reason: string) => void;
}

const REASONS = ["unclear", "media", "unsure"] as const;

/** Why a task is passed on; leads see the reasons. One key suffices for the usual ones. */
export function SkipDialog({ opened, onClose, onSkip }: Props) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  const skip = (text: string) => {
    setReason("");
    onClose();
    onSkip(text);
  };
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("workbench.skip.title")}
      closeButtonProps={{ "aria-label": t("workbench.close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (reason.trim() !== "") skip(reason.trim());
        }}
      >
        <Stack gap="sm">
          <Group gap="xs">
            {REASONS.map((name) => (
              <Button
                key={name}
                size="xs"
                variant="default"
                onClick={() => skip(t(`workbench.skip.${name}`))}
              >
                {t(`workbench.skip.${name}`)}
              </Button>
            ))}
          </Group>
          <Textarea
            label={t("workbench.skip.reason")}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && reason.trim() !== "")
                skip(reason.trim());
            }}
            maxLength={500}
            autosize
            minRows={2}
            data-autofocus
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("workbench.cancel")}
            </Button>
            <Button type="submit" disabled={reason.trim() === ""}>
              {t("command.task.skip")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
