import { Anchor, Box, Button, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconPlayerPlay, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { projects, taskCount } from "../api/queries";
import { useBatches } from "../console/batches/useBatches";
import { DemoButton } from "../console/DemoButton";
import { Empty, Pending } from "../ui/feedback";
import { ago, number } from "../ui/format";
import { Page } from "../ui/Page";
import { ProgressLine } from "../ui/ProgressLine";
import { Stat } from "../ui/Stat";

function Counts() {
  const { t } = useTranslation();
  const pending = useQuery(taskCount({ status: ["pending"] }));
  const completed = useQuery(taskCount({ status: ["completed"] }));
  const failed = useQuery(taskCount({ status: ["error"] }));
  const shown = (n: number | undefined) => (n === undefined ? "…" : number(n));
  return (
    <SimpleGrid cols={{ base: 2, md: 3 }} spacing="sm">
      <Stat label={t("console.status.pending")} value={shown(pending.data)} />
      <Stat label={t("console.status.completed")} value={shown(completed.data)} />
      <Stat label={t("console.status.error")} value={shown(failed.data)} />
    </SimpleGrid>
  );
}

function Running() {
  const { t } = useTranslation();
  const batches = useBatches({ status: "in_progress" });
  const rows = (batches.data?.pages[0]?.docs ?? []).slice(0, 8);
  if (rows.length === 0) return null;
  return (
    <section>
      <Title order={2} mb="xs">
        {t("app.runningBatches")}
      </Title>
      <Box component="ul" className="sy-panel sy-list">
        {rows.map((batch) => (
          <li key={batch.id}>
            <div>
              <Anchor
                component={Link}
                to="/console/tasks"
                search={{ batch: batch.name } as never}
                size="sm"
                fw={500}
              >
                {batch.name}
              </Anchor>
              <Text size="xs" c="dimmed">
                {batch.project}
              </Text>
            </div>
            <ProgressLine
              done={batch.completed ?? 0}
              total={(batch.completed ?? 0) + (batch.pending ?? 0) + (batch.error ?? 0)}
              label={batch.name}
            />
          </li>
        ))}
      </Box>
    </section>
  );
}

/** Projects, running batches and totals at one look. */
export function LeadHome() {
  const { t } = useTranslation();
  const found = useQuery(projects(false));
  const newest = [...(found.data ?? [])].sort((a, b) => b.created_at.localeCompare(a.created_at)).slice(0, 6);
  return (
    <Page
      title={t("app.nav.home")}
      actions={
        <>
          <Button
            component={Link}
            to="/work"
            variant="default"
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
          >
            {t("app.start")}
          </Button>
          <Button
            component={Link}
            to="/console/projects/new"
            leftSection={<IconPlus size={16} aria-hidden />}
          >
            {t("console.newProject")}
          </Button>
        </>
      }
    >
      <Pending query={found}>
        {newest.length === 0 ? (
          <Box className="sy-panel">
            <Empty title={t("app.welcome")}>
              <Text c="dimmed" ta="center">
                {t("app.welcomeHint")}
              </Text>
              <Group justify="center">
                <Button component={Link} to="/console/start">
                  {t("app.gettingStarted")}
                </Button>
                <DemoButton />
              </Group>
            </Empty>
          </Box>
        ) : (
          <Stack gap="lg">
            <Counts />
            <Running />
            <section>
              <Group justify="space-between" mb="xs">
                <Title order={2}>{t("app.newestProjects")}</Title>
                <Anchor component={Link} to="/console/start" size="sm">
                  {t("app.gettingStarted")}
                </Anchor>
              </Group>
              <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="sm">
                {newest.map((p) => (
                  <Link
                    key={p.id}
                    to="/console/projects/$name"
                    params={{ name: p.name }}
                    className="sy-panel sy-card"
                  >
                    <Box p="md">
                      <Text fw={600} truncate>
                        {p.name}
                      </Text>
                      <Text size="sm" c="dimmed">
                        {p.type} · {ago(p.created_at)}
                      </Text>
                    </Box>
                  </Link>
                ))}
              </SimpleGrid>
            </section>
          </Stack>
        )}
      </Pending>
    </Page>
  );
}
