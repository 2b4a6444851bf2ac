import { Anchor, Button, Tabs } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { project } from "../../api/queries";
import { Pending } from "../../ui/feedback";
import { Page } from "../../ui/Page";
import { Instructions } from "./Instructions";
import { ProjectOverview } from "./ProjectOverview";
import { ProjectParams } from "./ProjectParams";
import { WorkflowForm } from "./WorkflowForm";

/** One project: figures, params with their history, how its work is done. */
export default function ProjectPage() {
  const { t } = useTranslation();
  const { name } = useParams({ from: "/session/shell/console/projects/$name" });
  const { tab } = useSearch({ from: "/session/shell/console/projects/$name" });
  const navigate = useNavigate();
  const found = useQuery(project(name));
  const doc = found.data;
  return (
    <Page
      title={name}
      above={
        <Anchor component={Link} to="/console/projects" size="sm">
          {t("app.nav.projects")}
        </Anchor>
      }
      actions={
        <Button
          component={Link}
          to="/work"
          search={{ project: name } as never}
          variant="default"
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
        >
          {t("app.start")}
        </Button>
      }
    >
      <Pending query={found}>
        {doc !== undefined && (
          <Tabs
            value={tab ?? "overview"}
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
