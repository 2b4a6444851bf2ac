import { Code, Group, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { DataTable } from "../../ui/DataTable";
import { time } from "../../ui/format";
import { Page } from "../../ui/Page";

/** Who changed what in the account. */
export default function LogPage() {
  const { t } = useTranslation();
  const [given, setGiven] = useState({ actor: "", action: "" });
  const [wanted] = useDebouncedValue(given, 300);
  const filters = {
    ...(wanted.actor.trim() === "" ? {} : { actor: wanted.actor.trim() }),
    ...(wanted.action.trim() === "" ? {} : { action: wanted.action.trim() }),
  };
  const { query, rows } = usePaged(["auditLog", filters], (token) =>
    unwrap(api.GET("/api/audit-log", { params: { query: { ...filters, limit: 100, ...after(token) } } })),
  );
  return (
    <Page title={t("app.nav.log")}>
      <Group gap="xs" mb="sm" role="search" aria-label={t("console.filters")}>
        <TextInput
          size="xs"
          aria-label={t("console.actor")}
          placeholder={t("console.actor")}
          value={given.actor}
          onChange={(e) => setGiven({ ...given, actor: e.currentTarget.value })}
        />
        <TextInput
          size="xs"
          aria-label={t("console.action")}
          placeholder={t("console.action")}
          value={given.action}
          onChange={(e) => setGiven({ ...given, action: e.currentTarget.value })}
        />
      </Group>
      <DataTable
        label={t("app.nav.log")}
        query={query}
        rows={rows}
        idOf={(row) => row.id}
        empty={t("console.nothingFound")}
        columns={[
          { title: t("console.when"), cell: (row) => time(row.at) },
          { title: t("console.actor"), cell: (row) => row.actor },
          { title: t("console.action"), cell: (row) => row.action },
          {
            title: t("console.detail"),
            cell: (row) =>
              row.detail !== null && (
                <Code style={{ overflowWrap: "anywhere" }}>{JSON.stringify(row.detail)}</Code>
              ),
          },
        ]}
      />
    </Page>
  );
}
