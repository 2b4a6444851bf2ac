import { Button, FileInput, Modal, MultiSelect, Select, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { projects } from "../../api/queries";
import { upload } from "../../api/upload";
import { Problem, told } from "../../ui/feedback";
import { bytes } from "../../ui/format";
import { ProgressLine } from "../../ui/ProgressLine";
import { useBatchNames } from "../batches/useBatches";
import { STATUSES } from "../tasks/filters";

interface NewTransferProps {
  readonly kind: "export" | "create" | null;
  readonly onClose: () => void;
  readonly onStarted: () => void;
}

type Status = (typeof STATUSES)[number];

export function NewTransfer({ kind, onClose, onStarted }: NewTransferProps) {
  const { t } = useTranslation();
  const found = useQuery(projects());
  const [project, setProject] = useState<string | null>(null);
  const [batch, setBatch] = useState<string | null>(null);
  const [status, setStatus] = useState<Status[]>([]);
  const [file, setFile] = useState<File | null>(null);
  const [arrived, setArrived] = useState(0);
  const batches = useBatchNames(project ?? undefined);
  const type = found.data?.find((p) => p.name === project)?.type;
  const start = useMutation({
    mutationFn: async () => {
      const common = {
        ...(project === null ? {} : { project }),
        ...(batch === null ? {} : { batch }),
      };
      if (kind === "export")
        return unwrap(
          api.POST("/api/transfers", { body: { kind, ...common, ...(status.length > 0 ? { status } : {}) } }),
        );
      setArrived(0);
      const file_id = await upload(file as File, setArrived);
      return unwrap(
        api.POST("/api/transfers", {
          body: { kind: "create", file_id, ...common, ...(type ? { type } : {}) },
        }),
      );
    },
    onSuccess: () => {
      told(t("console.transferStarted"));
      setFile(null);
      onStarted();
      onClose();
    },
  });
  return (
    <Modal
      opened={kind !== null}
      onClose={onClose}
      title={t(kind === "create" ? "console.newImport" : "console.newExport")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t(kind === "create" ? "console.importHint" : "console.exportHint")}
        </Text>
        {kind === "create" && (
          <FileInput
            label={t("console.file")}
            placeholder={t("console.chooseFile")}
            value={file}
            onChange={setFile}
            accept=".ndjson,.jsonl,.json,.txt"
            required
          />
        )}
        <Select
          label={t("console.project")}
          data={(found.data ?? []).map((p) => p.name)}
          value={project}
          onChange={(value) => {
            setProject(value);
            setBatch(null);
          }}
          searchable
          clearable={kind === "export"}
          required={kind === "create"}
          limit={200}
        />
        <Select
          label={t("console.batch")}
          data={batches}
          value={batch}
          onChange={setBatch}
          searchable
          clearable
          limit={200}
        />
        {kind === "export" && (
          <MultiSelect
            label={t("console.column.status")}
            data={STATUSES.map((value) => ({ value, label: t(`console.status.${value}`) }))}
            value={status}
            onChange={(value) => setStatus(value as Status[])}
          />
        )}
        {start.isPending && file !== null && (
          <ProgressLine
            done={arrived}
            total={file.size}
            label={t("console.sending", { name: file.name })}
            shown={bytes}
          />
        )}
        <Problem error={start.error} />
        <Button
          onClick={() => start.mutate()}
          loading={start.isPending}
          disabled={kind === "create" && (file === null || project === null)}
        >
          {t("console.startTransfer")}
        </Button>
      </Stack>
    </Modal>
  );
}
