import { Button, Modal, Select, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { teammates } from "../../api/queries";
import { Problem, told } from "../../ui/feedback";

interface ReassignProps {
  readonly taskId: string | null;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/** Gives a task to one member; whoever holds it loses it. */
export function Reassign({ taskId, onClose, onDone }: ReassignProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={taskId !== null}
      onClose={onClose}
      title={t("console.reassign")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      {taskId !== null && <Form taskId={taskId} onClose={onClose} onDone={onDone} />}
    </Modal>
  );
}

function Form({ taskId, onClose, onDone }: ReassignProps & { taskId: string }) {
  const { t } = useTranslation();
  const people = useQuery(teammates());
  const [email, setEmail] = useState<string | null>(null);
  const give = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/tasks/{task_id}/reassign", {
          params: { path: { task_id: taskId } },
          body: { email: email ?? "" },
        }),
      ),
    onSuccess: () => {
      told(t("console.reassigned", { email }));
      onDone();
      onClose();
    },
  });
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {t("console.reassignHint")}
      </Text>
      <Select
        label={t("console.to")}
        data={(people.data ?? []).filter((p) => p.role !== "disabled").map((p) => p.email)}
        value={email}
        onChange={setEmail}
        searchable
        limit={200}
        data-autofocus
      />
      <Problem error={give.error} />
      <Button disabled={email === null} loading={give.isPending} onClick={() => give.mutate()}>
        {t("console.reassign")}
      </Button>
    </Stack>
  );
}
