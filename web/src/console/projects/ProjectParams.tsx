import { Box, Button, Group, Modal, Select, Stack, Text, Title } from "@mantine/core";
import { IconPencil } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { openapi } from "../../api/queries";
import { Empty, Problem, told } from "../../ui/feedback";
import { time } from "../../ui/format";
import { JsonView } from "../../ui/JsonView";
import { ParamsForm } from "../schema/ParamsForm";
import type { JsonObject } from "../schema/schema";
import { DiffView } from "./DiffView";

interface Version {
  readonly version: number;
  readonly created_at: string;
  readonly params: JsonObject;
}

function versionsOf(history: readonly unknown[]): Version[] {
  return history.map((entry) => {
    const { version, created_at, ...params } = entry as { version: number; created_at: string } & JsonObject;
    return { version, created_at, params: params as JsonObject };
  });
}

/** The params that tasks inherit, every version of them, and what changed. */
export function ProjectParams({ doc, onChanged }: { doc: Schemas["WireProject"]; onChanged: () => void }) {
  const { t } = useTranslation();
  const versions = useMemo(() => versionsOf(doc.param_history), [doc.param_history]);
  const newest = versions.at(-1);
  const [shown, setShown] = useState<string | null>(null);
  const [editing, setEditing] = useState(false);
  const right = versions.find((v) => String(v.version) === shown) ?? newest;
  const left = versions[versions.indexOf(right as Version) - 1];
  return (
    <Stack>
      <Group justify="space-between">
        <Select
          aria-label={t("console.paramVersion")}
          data={[...versions].reverse().map((v) => ({
            value: String(v.version),
            label: t("console.versionOf", { version: v.version, time: time(v.created_at) }),
          }))}
          value={right === undefined ? null : String(right.version)}
          onChange={setShown}
          allowDeselect={false}
          w={320}
          size="xs"
        />
        <Button leftSection={<IconPencil size={16} aria-hidden />} onClick={() => setEditing(true)}>
          {t("console.changeParams")}
        </Button>
      </Group>
      {right === undefined ? (
        <Empty title={t("console.noParams")} />
      ) : (
        <>
          {left !== undefined && (
            <Box className="sy-panel" p="md">
              <Title order={2} mb="xs">
                {t("console.changedSince", { version: left.version })}
              </Title>
              <DiffView before={left.params} after={right.params} />
            </Box>
          )}
          <Box className="sy-panel" p="md">
            <Title order={2} mb="xs">
              {t("console.params")}
            </Title>
            <JsonView value={right.params} label={t("console.params")} maxHeight={560} />
          </Box>
        </>
      )}
      <Modal
        opened={editing}
        onClose={() => setEditing(false)}
        size="xl"
        title={t("console.changeParams")}
        closeButtonProps={{ "aria-label": t("app.close") }}
      >
        {editing && (
          <EditParams
            doc={doc}
            params={newest?.params ?? {}}
            onDone={() => {
              setEditing(false);
              setShown(null);
              onChanged();
            }}
          />
        )}
      </Modal>
    </Stack>
  );
}

interface EditParamsProps {
  readonly doc: Schemas["WireProject"];
  readonly params: JsonObject;
  readonly onDone: () => void;
}

function EditParams({ doc, params, onDone }: EditParamsProps) {
  const { t } = useTranslation();
  const document = useQuery(openapi());
  const [given, setGiven] = useState(params);
  const save = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/v1/projects/{name}/setParams", {
          params: { path: { name: doc.name } },
          body: given as never,
        }),
      ),
    onSuccess: () => {
      told(t("console.paramsSaved"));
      onDone();
    },
  });
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t("console.changeParamsHint")}
      </Text>
      {document.data !== undefined && (
        <ParamsForm type={doc.type} document={document.data} value={given} onChange={setGiven} />
      )}
      <DiffView before={params} after={given} />
      <Problem error={save.error} />
      <Button onClick={() => save.mutate()} loading={save.isPending}>
        {t("console.saveVersion")}
      </Button>
    </Stack>
  );
}
