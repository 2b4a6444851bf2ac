import { Alert, Anchor, Button, Group, List, SimpleGrid, Stack, Title } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { DataTable } from "../../ui/DataTable";
import { Pending, toldProblem } from "../../ui/feedback";
import { ago, bytes, number } from "../../ui/format";
import { Page } from "../../ui/Page";
import { Stat } from "../../ui/Stat";

type Health = Schemas["SystemHealth"];

function problems(health: Health, t: TFunction): string[] {
  const told: string[] = [];
  if (!health.worker) told.push(t("console.health.noWorker"));
  if (health.storage_problem !== null)
    told.push(t("console.health.storage", { problem: health.storage_problem }));
  if (health.jobs.failed > 0) told.push(t("console.health.failed", { count: health.jobs.failed }));
  if (health.jobs.late > 0) told.push(t("console.health.late", { count: health.jobs.late }));
  if (health.dead_letters > 0) told.push(t("console.health.dead", { count: health.dead_letters }));
  for (const { project, waiting } of health.stuck_reviews)
    told.push(t("console.health.stuck", { project: project ?? t("console.without"), count: waiting }));
  return told;
}

/** Whether everything runs, and background jobs that have given up. */
export default function HealthPage() {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ["health"],
    queryFn: () => unwrap(api.GET("/api/health")),
    refetchInterval: 10_000,
  });
  const retry = useMutation({
    mutationFn: (id: number) =>
      unwrap(api.POST("/api/health/jobs/{job_id}/retry", { params: { path: { job_id: id as never } } })),
    onError: toldProblem,
    onSettled: () => void found.refetch(),
  });
  const health = found.data;
  const told = health === undefined ? [] : problems(health, t);
  return (
    <Page title={t("app.nav.health")}>
      <Pending query={found}>
        {health !== undefined && (
          <Stack>
            {told.length === 0 ? (
              <Alert color="teal" icon={<IconCircleCheck aria-hidden />} title={t("console.health.ok")} />
            ) : (
              <Alert color="amber" icon={<IconAlertTriangle aria-hidden />} title={t("console.health.look")}>
                <List size="sm" spacing={2}>
                  {told.map((line) => (
                    <List.Item key={line}>{line}</List.Item>
                  ))}
                </List>
                <Group gap="sm" mt="xs">
                  {health.dead_letters > 0 && (
                    <Anchor component={Link} to="/console/callbacks" size="sm">
                      {t("app.nav.callbacks")}
                    </Anchor>
                  )}
                  {health.stuck_reviews.length > 0 && (
                    <Anchor component={Link} to="/console/people" size="sm">
                      {t("app.nav.people")}
                    </Anchor>
                  )}
                </Group>
              </Alert>
            )}
            <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
              <Stat label={t("console.health.waiting")} value={number(health.jobs.waiting)} />
              <Stat label={t("console.health.failedJobs")} value={number(health.jobs.failed)} />
              <Stat
                label={t("console.health.database")}
                value={bytes(health.database.size_bytes)}
                hint={`PostgreSQL ${health.database.version}`}
              />
              <Stat
                label={t("console.health.mail")}
                value={t(health.mail ? "app.yes" : "app.no")}
                hint={t("console.health.mailHint")}
              />
            </SimpleGrid>
            <section>
              <Title order={2} mb="xs">
                {t("console.health.processes")}
              </Title>
              <DataTable
                label={t("console.health.processes")}
                query={found}
                rows={health.processes}
                idOf={(row) => row.id}
                empty={t("console.nothingFound")}
                columns={[
                  { title: t("console.kind"), cell: (row) => row.kind },
                  { title: t("console.started"), whole: true, cell: (row) => ago(row.started_at) },
                  { title: t("console.lastSeen"), whole: true, cell: (row) => ago(row.seen_at) },
                ]}
              />
            </section>
            <section>
              <Title order={2} mb="xs">
                {t("console.health.failedJobs")}
              </Title>
              <DataTable
                label={t("console.health.failedJobs")}
                query={found}
                rows={health.failed_jobs}
                idOf={(row) => row.id}
                empty={t("console.health.noFailed")}
                columns={[
                  { title: t("console.kind"), cell: (row) => row.kind },
                  { title: t("console.tries"), numeric: true, cell: (row) => row.attempts },
                  { title: t("console.problem"), cell: (row) => row.last_error ?? "" },
                  { title: t("console.when"), whole: true, cell: (row) => ago(row.failed_at) },
                  {
                    title: "",
                    whole: true,
                    cell: (row) => (
                      <Button size="compact-xs" variant="default" onClick={() => retry.mutate(row.id)}>
                        {t("app.tryAgain")}
                      </Button>
                    ),
                  },
                ]}
              />
            </section>
          </Stack>
        )}
      </Pending>
    </Page>
  );
}
