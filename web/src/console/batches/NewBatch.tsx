import { Button, Checkbox, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { projects } from "../../api/queries";
import { Problem, told } from "../../ui/feedback";

interface NewBatchProps {
  readonly opened: boolean;
  readonly project: string | null;
  readonly onClose: () => void;
  readonly onCreated: () => void;
}

const EMPTY = { name: "", project: "", callback: "", calibration: false };

export function NewBatch({ opened, project, onClose, onCreated }: NewBatchProps) {
  const { t } = useTranslation();
  const names = useQuery(projects(false));
  const [given, setGiven] = useState(EMPTY);
  useEffect(() => {
    if (opened) setGiven({ ...EMPTY, project: project ?? "" });
  }, [opened, project]);
  const create = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/v1/batches", {
          body: {
            project: given.project,
            name: given.name,
            ...(given.callback === "" ? {} : { callback: given.callback }),
            ...(given.calibration ? { calibration_batch: true } : {}),
          },
        }),
      ),
    onSuccess: () => {
      told(t("console.batchCreated"));
      onCreated();
      onClose();
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("console.newBatch")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <Stack gap="sm">
          <Select
            label={t("console.project")}
            data={(names.data ?? []).map((p) => p.name)}
            value={given.project === "" ? null : given.project}
            onChange={(value) => setGiven({ ...given, project: value ?? "" })}
            searchable
            required
            limit={200}
          />
          <TextInput
            label={t("console.name")}
            value={given.name}
            onChange={(event) => setGiven({ ...given, name: event.currentTarget.value })}
            maxLength={255}
            required
            data-autofocus
          />
          <TextInput
            label={t("console.callbackTo")}
            description={t("console.callbackHint")}
            value={given.callback}
            onChange={(event) => setGiven({ ...given, callback: event.currentTarget.value })}
          />
          <Checkbox
            label={t("console.calibration")}
            description={t("console.calibrationHint")}
            checked={given.calibration}
            onChange={(event) => setGiven({ ...given, calibration: event.currentTarget.checked })}
          />
          <Problem error={create.error} />
          <Button
            type="submit"
            loading={create.isPending}
            disabled={given.project === "" || given.name === ""}
          >
            {t("console.create")}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
