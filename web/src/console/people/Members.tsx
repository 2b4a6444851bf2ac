import { ActionIcon, Badge, Button, Group, Menu, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconDots, IconPlus, IconSearch } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { useSession } from "../../api/session";
import { DataTable } from "../../ui/DataTable";
import { Email } from "../../ui/Email";
import { told, toldProblem } from "../../ui/feedback";
import { ago, number, time } from "../../ui/format";
import { Secret } from "../../ui/Secret";
import { Invite } from "./Invite";

type Member = Schemas["AccountMember"];
const ROLES = ["admin", "manager", "member", "labeler", "disabled"] as const;
const GRANTED = ["manager", "member", "labeler"] as const;

/** Members of the account: who they are, what they may do, when they were last seen. */
export function Members() {
  const { t } = useTranslation();
  const own = useSession((s) => s.info?.member.id);
  const [role, setRole] = useState<string | null>(null);
  const [words, setWords] = useState("");
  const [search] = useDebouncedValue(words.trim(), 300);
  const [inviting, setInviting] = useState(false);
  const [link, setLink] = useState<Schemas["PasswordLink"] | null>(null);
  const filters = { ...(role === null ? {} : { role }), ...(search === "" ? {} : { search }) };
  const { query, rows } = usePaged(["members", filters], (token) =>
    unwrap(
      api.GET("/api/members", { params: { query: { ...filters, limit: 100, ...after(token) } as never } }),
    ),
  );
  const change = useMutation({
    mutationFn: ({ member, to }: { member: Member; to: string }): Promise<unknown> => {
      const params = { path: { member_id: member.id } };
      if (to === "disable") return unwrap(api.POST("/api/members/{member_id}/disable", { params }));
      if (to === "enable") return unwrap(api.POST("/api/members/{member_id}/enable", { params }));
      return unwrap(
        api.PUT("/api/members/{member_id}/role", { params, body: { role: to as (typeof GRANTED)[number] } }),
      );
    },
    onSuccess: () => told(t("console.saved")),
    onError: toldProblem,
    onSettled: () => void query.refetch(),
  });
  const reset = useMutation({
    mutationFn: (member: Member) =>
      unwrap(api.POST("/api/members/{member_id}/reset_link", { params: { path: { member_id: member.id } } })),
    onSuccess: setLink,
    onError: toldProblem,
  });
  const nameOf = (row: Member) => [row.first_name, row.last_name].filter(Boolean).join(" ");
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Group gap="xs" role="search" aria-label={t("console.filters")}>
          <TextInput
            aria-label={t("app.search")}
            placeholder={t("app.search")}
            leftSection={<IconSearch size={14} aria-hidden />}
            value={words}
            onChange={(event) => setWords(event.currentTarget.value)}
            size="xs"
          />
          <Select
            aria-label={t("console.role")}
            placeholder={t("console.role")}
            data={ROLES.map((value) => ({ value, label: t(`app.role.${value}`) }))}
            value={role}
            onChange={setRole}
            clearable
            size="xs"
          />
        </Group>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setInviting(true)}>
          {t("console.invite")}
        </Button>
      </Group>
      <DataTable
        label={t("app.nav.people")}
        query={query}
        rows={rows}
        idOf={(row) => row.id}
        empty={t("console.nothingFound")}
        columns={[
          {
            title: t("app.email"),
            cell: (row) => (
              <>
                <Text size="sm" fw={500}>
                  <Email of={row.email} />
                </Text>
                {nameOf(row) !== "" && (
                  <Text size="xs" c="dimmed">
                    {nameOf(row)}
                  </Text>
                )}
              </>
            ),
          },
          {
            title: t("console.role"),
            whole: true,
            cell: (row) => (
              <Group gap={6}>
                {t(`app.role.${row.role}`)}
                {row.invited && (
                  <Badge size="sm" variant="light" color="amber" tt="none" title={time(row.invited_until)}>
                    {t("console.invited")}
                  </Badge>
                )}
                {row.kind === "model" && (
                  <Badge size="sm" variant="light" tt="none">
                    {t("console.model")}
                  </Badge>
                )}
              </Group>
            ),
          },
          { title: t("console.projectsOf"), numeric: true, cell: (row) => number(row.projects) },
          { title: t("console.openWork"), numeric: true, cell: (row) => number(row.open_leases) },
          { title: t("console.lastSeen"), whole: true, cell: (row) => ago(row.last_seen_at) },
          {
            title: "",
            whole: true,
            cell: (row) =>
              row.id === own || row.role === "admin" ? null : (
                <Menu position="bottom-end">
                  <Menu.Target>
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      aria-label={t("console.actionsOf", { name: row.email })}
                    >
                      <IconDots size={16} aria-hidden />
                    </ActionIcon>
                  </Menu.Target>
                  <Menu.Dropdown>
                    {row.role !== "disabled" && (
                      <>
                        <Menu.Label>{t("console.role")}</Menu.Label>
                        {GRANTED.filter((value) => value !== row.role).map((value) => (
                          <Menu.Item key={value} onClick={() => change.mutate({ member: row, to: value })}>
                            {t(`app.role.${value}`)}
                          </Menu.Item>
                        ))}
                        <Menu.Divider />
                        {row.kind === "human" && (
                          <Menu.Item onClick={() => reset.mutate(row)}>{t("console.passwordLink")}</Menu.Item>
                        )}
                      </>
                    )}
                    <Menu.Item
                      color={row.role === "disabled" ? undefined : "red"}
                      onClick={() =>
                        change.mutate({ member: row, to: row.role === "disabled" ? "enable" : "disable" })
                      }
                    >
                      {t(row.role === "disabled" ? "console.enable" : "console.disable")}
                    </Menu.Item>
                  </Menu.Dropdown>
                </Menu>
              ),
          },
        ]}
      />
      <Invite opened={inviting} onClose={() => setInviting(false)} onInvited={() => void query.refetch()} />
      <Modal
        opened={link !== null}
        onClose={() => setLink(null)}
        title={t("console.passwordLink")}
        closeButtonProps={{ "aria-label": t("app.close") }}
      >
        {link !== null && (
          <Stack gap="sm">
            <Text size="sm">
              {t("console.passwordLinkHint", { email: link.email, time: time(link.expires_at) })}
            </Text>
            <Secret value={link.url} />
          </Stack>
        )}
      </Modal>
    </Stack>
  );
}
