import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { after, usePaged } from "../../api/paged";
import { DataTable } from "../../ui/DataTable";
import { Email } from "../../ui/Email";
import { toldProblem } from "../../ui/feedback";
import { number, share } from "../../ui/format";
import { StatusBadge } from "../../ui/StatusBadge";

type Member = Schemas["ProjectMember"];

/** Contributors of a project with what the gate knows of them; pausing and letting in again. */
export function ProjectMembers({ project }: { project: string }) {
  const { t } = useTranslation();
  const { query, rows } = usePaged(["projectQuality", project], (token) =>
    unwrap(
      api.GET("/api/projects/{name}/quality", {
        params: { path: { name: project }, query: { limit: 100, ...after(token) } },
      }),
    ),
  );
  const change = useMutation({
    mutationFn: (member: Member) => {
      const params = { path: { name: project, id: member.id } };
      return member.state === "paused"
        ? unwrap(api.POST("/api/projects/{name}/members/{id}/unpause", { params }))
        : unwrap(api.POST("/api/projects/{name}/members/{id}/pause", { params, body: {} }));
    },
    onError: toldProblem,
    onSettled: () => void query.refetch(),
  });
  return (
    <DataTable
      label={t("console.contributors")}
      query={query}
      rows={rows}
      idOf={(row) => row.id}
      empty={t("console.noContributors")}
      emptyHint={t("console.noContributorsHint")}
      columns={[
        { title: t("app.email"), cell: (row) => <Email of={row.email} /> },
        { title: t("console.column.status"), whole: true, cell: (row) => <StatusBadge status={row.state} /> },
        { title: t("console.reason"), cell: (row) => row.reason ?? "" },
        { title: t("console.evaluations"), numeric: true, cell: (row) => number(row.evaluations) },
        { title: t("console.meanScore"), numeric: true, cell: (row) => share(row.evaluation_score) },
        { title: t("console.recentScore"), numeric: true, cell: (row) => share(row.recent_evaluation_score) },
        {
          title: t("console.training"),
          numeric: true,
          cell: (row) =>
            t("app.ofTotal", { done: number(row.trainings_passed), total: number(row.trainings_required) }),
        },
        {
          title: "",
          whole: true,
          cell: (row) => (
            <Button size="compact-xs" variant="default" onClick={() => change.mutate(row)}>
              {t(row.state === "paused" ? "console.letIn" : "console.pause")}
            </Button>
          ),
        },
      ]}
    />
  );
}
