import { Anchor } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Page } from "../../ui/Page";
import { TaskDetail } from "./TaskDetail";

/** One task under an address of its own. */
export default function TaskPage() {
  const { t } = useTranslation();
  const { taskId } = useParams({ from: "/session/shell/console/tasks/$taskId" });
  return (
    <Page
      title={`${t("console.task")} ${taskId}`}
      above={
        <Anchor component={Link} to="/console/tasks" size="sm">
          {t("app.nav.tasks")}
        </Anchor>
      }
    >
      <TaskDetail taskId={taskId} />
    </Page>
  );
}
