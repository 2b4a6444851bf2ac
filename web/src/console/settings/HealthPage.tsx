import { Alert, Button, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
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
                {told.map((line) => (
                  <Text key={line} size="sm">
                    {line}
                  </Text>
                ))}
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
                  { title: t("console.started"), cell: (row) => ago(row.started_at) },
                  { title: t("console.lastSeen"), cell: (row) => ago(row.seen_at) },
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
                  { title: t("console.when"), cell: (row) => ago(row.failed_at) },
                  {
                    title: "",
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
