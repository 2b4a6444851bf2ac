import { Code, Group, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { DataTable } from "../../ui/DataTable";
import { Filters } from "../../ui/Filters";
import { time } from "../../ui/format";
import { Page } from "../../ui/Page";

/** What was changed, as names and values. */
function Detail({ detail }: { detail: unknown }) {
  if (typeof detail !== "object" || detail === null) return null;
  return (
    <Group gap="xs" component="dl" m={0}>
      {Object.entries(detail).map(([name, value]) => (
        <Text key={name} size="sm" component="div" style={{ overflowWrap: "anywhere" }}>
          <Text span size="xs" c="dimmed" component="dt" display="inline">
            {name.replaceAll("_", " ")}{" "}
          </Text>
          <Text span size="sm" component="dd" display="inline" m={0}>
            <bdi dir={typeof value === "string" ? "auto" : "ltr"}>
              {typeof value === "string" ? value : JSON.stringify(value)}
            </bdi>
          </Text>
        </Text>
      ))}
    </Group>
  );
}

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
      <Filters>
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
      </Filters>
      <DataTable
        label={t("app.nav.log")}
        query={query}
        rows={rows}
        idOf={(row) => row.id}
        empty={t("console.nothingFound")}
        columns={[
          { title: t("console.when"), whole: true, cell: (row) => time(row.at) },
          { title: t("console.actor"), whole: true, cell: (row) => row.actor },
          { title: t("console.action"), whole: true, cell: (row) => <Code>{row.action}</Code> },
          { title: t("console.detail"), cell: (row) => <Detail detail={row.detail} /> },
        ]}
      />
    </Page>
  );
}
