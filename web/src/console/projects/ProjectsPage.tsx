import { Anchor, Box, Button, Group, SegmentedControl, Table, TextInput } from "@mantine/core";
import { IconPlus, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { projects } from "../../api/queries";
import { Empty, Pending } from "../../ui/feedback";
import { ago } from "../../ui/format";
import { Page } from "../../ui/Page";
import { StatusBadge } from "../../ui/StatusBadge";

const WHOLE = { whiteSpace: "nowrap" } as const;
const MOST = 300;

export default function ProjectsPage() {
  const { t } = useTranslation();
  const [archived, setArchived] = useState("active");
  const [words, setWords] = useState("");
  const found = useQuery(projects(archived === "archived"));
  const wanted = words.trim().toLocaleLowerCase();
  const rows = (found.data ?? [])
    .filter((p) => wanted === "" || `${p.name} ${p.type}`.toLocaleLowerCase().includes(wanted))
    .sort((a, b) => b.created_at.localeCompare(a.created_at));
  return (
    <Page
      title={t("app.nav.projects")}
      actions={
        <Button component={Link} to="/console/projects/new" leftSection={<IconPlus size={16} aria-hidden />}>
          {t("console.newProject")}
        </Button>
      }
    >
      <Group gap="xs" mb="sm">
        <TextInput
          aria-label={t("app.search")}
          placeholder={t("app.search")}
          leftSection={<IconSearch size={14} aria-hidden />}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
          size="xs"
          w={260}
        />
        <SegmentedControl
          aria-label={t("console.show")}
          size="xs"
          value={archived}
          onChange={setArchived}
          data={[
            { value: "active", label: t("console.activeProjects") },
            { value: "archived", label: t("console.archived") },
          ]}
        />
      </Group>
      <Pending query={found}>
        {rows.length === 0 ? (
          <Empty title={t(wanted === "" ? "console.noProjects" : "console.nothingFound")}>
            {wanted === "" ? t("console.noProjectsHint") : undefined}
          </Empty>
        ) : (
          <Box className="sy-panel" style={{ overflowX: "auto" }}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("console.project")}</Table.Th>
                  <Table.Th>{t("console.column.type")}</Table.Th>
                  <Table.Th>{t("console.kind")}</Table.Th>
                  <Table.Th>{t("console.paramVersion")}</Table.Th>
                  <Table.Th>{t("console.column.created_at")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.slice(0, MOST).map((p) => (
                  <Table.Tr key={p.id}>
                    <Table.Td style={{ overflowWrap: "anywhere", minWidth: "12rem" }}>
                      <Anchor
                        component={Link}
                        to="/console/projects/$name"
                        params={{ name: p.name } as never}
                        fw={500}
                      >
                        {p.name}
                      </Anchor>
                    </Table.Td>
                    <Table.Td style={WHOLE}>{p.type}</Table.Td>
                    <Table.Td style={WHOLE}>
                      {p.projectType === "standard" ? "" : <StatusBadge status={p.projectType} />}
                    </Table.Td>
                    <Table.Td>{p.param_history.length}</Table.Td>
                    <Table.Td style={WHOLE}>{ago(p.created_at)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Box>
        )}
      </Pending>
    </Page>
  );
}
