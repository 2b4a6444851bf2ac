import { Anchor, Box, SimpleGrid, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { taskCount } from "../../api/queries";
import { Facts } from "../../ui/Facts";
import { number, time } from "../../ui/format";
import { Stat } from "../../ui/Stat";

export function ProjectOverview({ doc }: { doc: Schemas["WireProject"] }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        {(["pending", "completed", "error", "canceled"] as const).map((status) => (
          <Count key={status} project={doc.name} status={status} />
        ))}
      </SimpleGrid>
      <Box className="sy-panel" p="md">
        <Facts
          items={[
            [t("console.column.type"), doc.type],
            [t("console.column.created_at"), time(doc.created_at)],
            [t("console.createdBy"), doc.created_by],
            [t("console.paramVersion"), doc.param_history.length],
            [t("console.archived"), doc.archived ? t("app.yes") : undefined],
          ]}
        />
      </Box>
      <Anchor component={Link} to="/console/tasks" search={{ project: doc.name } as never} size="sm">
        {t("console.tasksOfProject")}
      </Anchor>
    </Stack>
  );
}

function Count({ project, status }: { project: string; status: string }) {
  const { t } = useTranslation();
  const found = useQuery(taskCount({ project, status: [status] }));
  return (
    <Stat label={t(`console.status.${status}`)} value={found.data === undefined ? "…" : number(found.data)} />
  );
}
