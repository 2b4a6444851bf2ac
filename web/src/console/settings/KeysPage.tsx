import { Badge, Button, Checkbox, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { confirmed } from "../../ui/confirm";
import { DataTable } from "../../ui/DataTable";
import { Email } from "../../ui/Email";
import { Problem, told, toldProblem } from "../../ui/feedback";
import { ago, time } from "../../ui/format";
import { Page } from "../../ui/Page";
import { Secret } from "../../ui/Secret";
import { StatusBadge } from "../../ui/StatusBadge";

const SCOPES = ["full", "data", "work", "read"] as const;

function NewKey({ onMade }: { onMade: () => void }) {
  const { t } = useTranslation();
  const [given, setGiven] = useState<Schemas["MakeKey"]>({ name: "", mode: "live", scope: "full" });
  const [until, setUntil] = useState("");
  const make = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/keys", {
          body: until === "" ? given : { ...given, expires_at: new Date(`${until}T23:59:59`).toISOString() },
        }),
      ),
    onSuccess: onMade,
  });
  if (make.data !== undefined)
    return (
      <Stack gap="sm">
        <Text size="sm">{t("console.keyOnce")}</Text>
        <Secret value={make.data.key} />
      </Stack>
    );
  const scope = given.scope ?? "full";
  return (
    <Stack gap="sm">
      <TextInput
        label={t("console.name")}
        value={given.name ?? ""}
        onChange={(event) => setGiven({ ...given, name: event.currentTarget.value })}
        maxLength={100}
        data-autofocus
      />
      <Select
        label={t("console.mode")}
        data={[
          { value: "live", label: t("console.mode.live") },
          { value: "test", label: t("console.mode.test") },
        ]}
        value={given.mode ?? "live"}
        onChange={(value) => setGiven({ ...given, mode: value === "test" ? "test" : "live" })}
        allowDeselect={false}
      />
      <Select
        label={t("console.scope")}
        description={t(`console.scopeHint.${scope}`)}
        data={SCOPES.map((value) => ({ value, label: t(`console.scope.${value}`) }))}
        value={scope}
        onChange={(value) =>
          setGiven({ ...given, scope: (value as (typeof SCOPES)[number] | null) ?? "full" })
        }
        allowDeselect={false}
      />
      <TextInput
        type="date"
        label={t("console.expires")}
        value={until}
        onChange={(e) => setUntil(e.currentTarget.value)}
      />
      <Problem error={make.error} />
      <Button onClick={() => make.mutate()} loading={make.isPending}>
        {t("console.create")}
      </Button>
    </Stack>
  );
}

export default function KeysPage() {
  const { t } = useTranslation();
  const [revoked, setRevoked] = useState(false);
  const [making, setMaking] = useState(false);
  const found = useQuery({
    queryKey: ["keys", revoked],
    queryFn: () => unwrap(api.GET("/api/keys", { params: { query: { revoked } } })),
  });
  const revoke = useMutation({
    mutationFn: (id: number) =>
      unwrap(api.DELETE("/api/keys/{key_id}", { params: { path: { key_id: id as never } } })),
    onSuccess: () => told(t("console.keyRevoked")),
    onError: toldProblem,
    onSettled: () => void found.refetch(),
  });
  async function ask(key: Schemas["ApiKey"]) {
    const text = t("console.revokeHint", { name: key.name || key.hint });
    const question = { title: t("console.revoke"), text, confirm: t("console.revoke"), danger: true };
    if (await confirmed(question)) revoke.mutate(key.id);
  }
  return (
    <Page
      title={t("app.nav.keys")}
      actions={
        <>
          <Checkbox
            label={t("console.showRevoked")}
            checked={revoked}
            onChange={(e) => setRevoked(e.currentTarget.checked)}
          />
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setMaking(true)}>
            {t("console.newKey2")}
          </Button>
        </>
      }
    >
      <DataTable
        label={t("app.nav.keys")}
        query={found}
        rows={found.data?.items ?? []}
        idOf={(row) => row.id}
        empty={t("console.noKeys")}
        columns={[
          {
            title: t("console.name"),
            cell: (row) => (
              <Group gap={6}>
                {row.name || "–"}
                {row.revoked_at !== null && <StatusBadge status="revoked" />}
              </Group>
            ),
          },
          {
            title: t("console.key"),
            whole: true,
            cell: (row) => <span className="sy-mono">…{row.hint}</span>,
          },
          {
            title: t("console.mode"),
            whole: true,
            cell: (row) => (
              <Badge variant="light" color={row.mode === "live" ? "deep" : "amber"} tt="none" radius="sm">
                {t(`console.mode.${row.mode}`)}
              </Badge>
            ),
          },
          { title: t("console.scope"), whole: true, cell: (row) => t(`console.scope.${row.scope}`) },
          { title: t("console.owner"), cell: (row) => <Email of={row.email} /> },
          { title: t("console.lastUsed"), whole: true, cell: (row) => ago(row.last_used_at) },
          {
            title: t("console.expires"),
            whole: true,
            cell: (row) => (row.expires_at ? time(row.expires_at) : t("console.never")),
          },
          {
            title: "",
            whole: true,
            cell: (row) =>
              row.revoked_at === null && (
                <Button size="compact-xs" variant="default" onClick={() => void ask(row)}>
                  {t("console.revoke")}
                </Button>
              ),
          },
        ]}
      />
      <Modal
        opened={making}
        onClose={() => setMaking(false)}
        title={t("console.newKey2")}
        closeButtonProps={{ "aria-label": t("app.close") }}
      >
        {making && <NewKey onMade={() => void found.refetch()} />}
      </Modal>
    </Page>
  );
}
