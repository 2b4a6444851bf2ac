import { Group, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { DataTable } from "../../ui/DataTable";
import { Email } from "../../ui/Email";
import { Filters } from "../../ui/Filters";
import { time } from "../../ui/format";
import { Page } from "../../ui/Page";
import { linesOf } from "./acts";

/** What was changed, as names and values. */
function Detail({ detail }: { detail: unknown }) {
  const { t } = useTranslation();
  return (
    <Group gap="md" component="dl" m={0} miw="16rem" style={{ rowGap: 2 }}>
      {linesOf(detail, t).map(({ label, text }) => (
        <Text key={label} size="sm" component="div" style={{ overflowWrap: "anywhere" }}>
          <Text span size="xs" c="dimmed" component="dt" display="inline">
            {label}{" "}
          </Text>
          <Text span size="sm" component="dd" display="inline" m={0}>
            <bdi>{text}</bdi>
          </Text>
        </Text>
      ))}
    </Group>
  );
}

/** What was done, in words, and the code by which it is looked for. */
function Act({ action }: { action: string }) {
  const { t } = useTranslation();
  return (
    <>
      <Text size="sm" fw={500}>
        {t(`log.act.${action}`, action)}
      </Text>
      <Text size="xs" c="dimmed" className="sy-mono">
        {action}
      </Text>
    </>
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
          { title: t("console.actor"), cell: (row) => <Email of={row.actor} /> },
          { title: t("console.action"), whole: true, cell: (row) => <Act action={row.action} /> },
          { title: t("console.detail"), cell: (row) => <Detail detail={row.detail} /> },
        ]}
      />
    </Page>
  );
}
