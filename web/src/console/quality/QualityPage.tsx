import { Anchor, Button, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { DataTable } from "../../ui/DataTable";
import { toldProblem } from "../../ui/feedback";
import { ago, number, share } from "../../ui/format";
import { StatusBadge } from "../../ui/StatusBadge";
import { TabbedPage } from "../../ui/TabbedPage";
import { ProjectSelect } from "../ProjectSelect";
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
          { title: t("console.kind"), whole: true, cell: (row) => t(`console.${row.kind}`) },
          {
            title: t("console.column.status"),
            whole: true,
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
          { title: t("console.column.created_at"), whole: true, cell: (row) => ago(row.created_at) },
          {
            title: "",
            whole: true,
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
  const [project, setProject] = useState<string | null>(null);
  return (
    <TabbedPage
      title={t("app.nav.quality")}
      filters={<ProjectSelect value={project} onChange={setProject} />}
      tabs={[
        { id: "tasks", title: t("console.qualityTasks"), table: <QualityTasks project={project} /> },
        {
          id: "members",
          title: t("console.contributors"),
          table:
            project === null ? (
              <Group className="sy-panel" p="lg" justify="center">
                <Text c="dimmed">{t("console.chooseProject")}</Text>
              </Group>
            ) : (
              <ProjectMembers project={project} />
            ),
        },
      ]}
    />
  );
}
