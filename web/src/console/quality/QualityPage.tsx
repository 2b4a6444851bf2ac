import { Anchor, Button, Group, SegmentedControl, Select, Stack, Tabs, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { projects } from "../../api/queries";
import { DataTable } from "../../ui/DataTable";
import { toldProblem } from "../../ui/feedback";
import { ago, number, share } from "../../ui/format";
import { Page } from "../../ui/Page";
import { StatusBadge } from "../../ui/StatusBadge";
import { ProjectMembers } from "./ProjectMembers";

function QualityTasks({ project }: { project: string | null }) {
  const { t } = useTranslation();
  const [kind, setKind] = useState("all");
  const filters = { ...(project === null ? {} : { project }), ...(kind === "all" ? {} : { kind }) };
  const { query, rows } = usePaged(["qualityTasks", filters], (token) =>
    unwrap(api.GET("/api/quality/tasks", { params: { query: { ...filters, limit: 100, ...after(token) } } })),
  );
  const archive = useMutation({
    mutationFn: ({ id, archived }: { id: string; archived: boolean }) =>
      unwrap(api.POST("/api/quality/tasks/{id}/archive", { params: { path: { id } }, body: { archived } })),
    onError: toldProblem,
    onSettled: () => void query.refetch(),
  });
  return (
    <Stack gap="sm">
      <SegmentedControl
        aria-label={t("console.kind")}
        size="xs"
        style={{ alignSelf: "start" }}
        value={kind}
        onChange={setKind}
        data={[
          { value: "all", label: t("console.all") },
          { value: "evaluation", label: t("console.evaluation") },
          { value: "training", label: t("console.training") },
        ]}
      />
      <DataTable
        label={t("console.qualityTasks")}
        query={query}
        rows={rows}
        idOf={(row) => row.id}
        empty={t("console.noQualityTasks")}
        emptyHint={t("console.noQualityTasksHint")}
        columns={[
          { title: t("console.kind"), cell: (row) => t(`console.${row.kind}`) },
          {
            title: t("console.column.status"),
            cell: (row) => <StatusBadge status={row.archived_at === null ? row.state : "archived"} />,
          },
          { title: t("console.project"), cell: (row) => row.project },
          {
            title: t("console.madeFrom"),
            cell: (row) =>
              row.source_task_id !== null && (
                <Anchor
                  component={Link}
                  size="sm"
                  className="sy-mono"
                  to="/console/tasks/$taskId"
                  params={{ taskId: row.source_task_id } as never}
                >
                  {row.source_task_id}
                </Anchor>
              ),
          },
          { title: t("console.answered"), numeric: true, cell: (row) => number(row.answered) },
          { title: t("console.passed"), numeric: true, cell: (row) => number(row.passed) },
          { title: t("console.meanScore"), numeric: true, cell: (row) => share(row.mean_score) },
          { title: t("console.column.created_at"), cell: (row) => ago(row.created_at) },
          {
            title: "",
            cell: (row) => (
              <Button
                size="compact-xs"
                variant="default"
                onClick={() => archive.mutate({ id: row.id, archived: row.archived_at === null })}
              >
                {t(row.archived_at === null ? "console.archive" : "console.unarchive")}
              </Button>
            ),
          },
        ]}
      />
    </Stack>
  );
}

/** Known-answer tasks, and who is let in or kept out by them. */
export default function QualityPage() {
  const { t } = useTranslation();
  const found = useQuery(projects(false));
  const [project, setProject] = useState<string | null>(null);
  return (
    <Page
      title={t("app.nav.quality")}
      actions={
        <Select
          aria-label={t("console.project")}
          placeholder={t("console.project")}
          data={(found.data ?? []).map((p) => p.name)}
          value={project}
          onChange={setProject}
          searchable
          clearable
          limit={200}
          size="xs"
          w={240}
        />
      }
    >
      <Tabs defaultValue="tasks" keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="tasks">{t("console.qualityTasks")}</Tabs.Tab>
          <Tabs.Tab value="members">{t("console.contributors")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tasks">
          <QualityTasks project={project} />
        </Tabs.Panel>
        <Tabs.Panel value="members">
          {project === null ? (
            <Group className="sy-panel" p="lg" justify="center">
              <Text c="dimmed">{t("console.chooseProject")}</Text>
            </Group>
          ) : (
            <ProjectMembers project={project} />
          )}
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
