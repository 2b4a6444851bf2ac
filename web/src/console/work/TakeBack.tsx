import { Button, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { Problem, told } from "../../ui/feedback";

interface TakeBackProps {
  readonly lease: { readonly id: number; readonly email: string } | null;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/** Takes work from whoever holds it, with a word why; the draft is kept. */
export function TakeBack({ lease, onClose, onDone }: TakeBackProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={lease !== null}
      onClose={onClose}
      title={t("console.takeBack")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      {lease !== null && <Form lease={lease} onClose={onClose} onDone={onDone} />}
    </Modal>
  );
}

function Form({ lease, onClose, onDone }: TakeBackProps & { lease: { id: number; email: string } }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  const take = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/work/leases/{slot_id}/release", {
          params: { path: { slot_id: String(lease.id) } },
          body: reason.trim() === "" ? {} : { reason: reason.trim() },
        }),
      ),
    onSuccess: () => {
      told(t("console.takenBack"));
      onDone();
      onClose();
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        take.mutate();
      }}
    >
      <Stack gap="sm">
        <Text size="sm">{t("console.takeBackHint", { email: lease.email })}</Text>
        <TextInput
          label={t("console.reason")}
          value={reason}
          maxLength={500}
          onChange={(event) => setReason(event.currentTarget.value)}
          data-autofocus
        />
        <Problem error={take.error} />
        <Button type="submit" loading={take.isPending}>
          {t("console.takeBack")}
        </Button>
      </Stack>
    </form>
  );
}
