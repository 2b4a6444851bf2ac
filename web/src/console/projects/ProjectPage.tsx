import { Anchor, Button, Tabs } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { project } from "../../api/queries";
import { Pending, told, toldProblem } from "../../ui/feedback";
import { Page } from "../../ui/Page";
import { Instructions } from "./Instructions";
import { ProjectOverview } from "./ProjectOverview";
import { ProjectParams } from "./ProjectParams";
import { WorkflowForm } from "./WorkflowForm";

const TABS = ["overview", "params", "instructions", "workflow"];

/** One project: figures, params with their history, how its work is done. */
export default function ProjectPage() {
  const { t } = useTranslation();
  const { name } = useParams({ from: "/session/shell/console/projects/$name" });
  const { tab } = useSearch({ from: "/session/shell/console/projects/$name" });
  const navigate = useNavigate();
  const found = useQuery(project(name));
  const doc = found.data;
  const client = useQueryClient();
  const archive = useMutation({
    mutationFn: (away: boolean) =>
      unwrap(
        api.POST(away ? "/api/projects/{name}/archive" : "/api/projects/{name}/unarchive", {
          params: { path: { name } },
        }),
      ),
    onSuccess: (_, away) => told(t(away ? "console.projectArchived" : "console.projectBack")),
    onError: toldProblem,
    onSettled: () => {
      void found.refetch();
      void client.invalidateQueries({ queryKey: ["projects"] });
    },
  });
  return (
    <Page
      title={name}
      above={
        <Anchor component={Link} to="/console/projects" size="sm">
          {t("app.nav.projects")}
        </Anchor>
      }
      actions={
        <>
          {doc !== undefined && (
            <Button
              variant="default"
              loading={archive.isPending}
              onClick={() => archive.mutate(!doc.archived)}
            >
              {t(doc.archived ? "console.unarchive" : "console.archive")}
            </Button>
          )}
          {doc !== undefined && (
            <Button
              component={Link}
              to="/work"
              search={{ project: name } as never}
              variant="default"
              leftSection={<IconPlayerPlay size={16} aria-hidden />}
            >
              {t("app.start")}
            </Button>
          )}
        </>
      }
    >
      <Pending query={found}>
        {doc !== undefined && (
          <Tabs
            value={TABS.includes(tab ?? "") ? (tab as string) : "overview"}
            onChange={(value) =>
              void navigate({
                to: "/console/projects/$name",
                params: { name },
                search: value === null || value === "overview" ? {} : { tab: value },
                replace: true,
              })
            }
            keepMounted={false}
          >
            <Tabs.List mb="md">
              <Tabs.Tab value="overview">{t("console.overview")}</Tabs.Tab>
              <Tabs.Tab value="params">{t("console.params")}</Tabs.Tab>
              <Tabs.Tab value="instructions">{t("console.instructions")}</Tabs.Tab>
              <Tabs.Tab value="workflow">{t("console.workflow")}</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="overview">
              <ProjectOverview doc={doc} />
            </Tabs.Panel>
            <Tabs.Panel value="params">
              <ProjectParams doc={doc} onChanged={() => void found.refetch()} />
            </Tabs.Panel>
            <Tabs.Panel value="instructions">
              <Instructions name={name} />
            </Tabs.Panel>
            <Tabs.Panel value="workflow">
              <WorkflowForm name={name} />
            </Tabs.Panel>
          </Tabs>
        )}
      </Pending>
    </Page>
  );
}
