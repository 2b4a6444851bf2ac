import { Box, Button, Group, NumberInput, Select, SimpleGrid, Text } from "@mantine/core";
import { IconArrowsShuffle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "../../api/client";
import { projects } from "../../api/queries";
import { Empty, Pending } from "../../ui/feedback";
import { Page } from "../../ui/Page";
import { useBatchNames } from "../batches/useBatches";
import type { Task } from "../tasks/filters";
import { AuditCard } from "./AuditCard";
import { shuffled } from "./shuffle";

/** Completed tasks as cards, in an order that favours none: look, then accept, reject or comment. */
export default function AuditsPage() {
  const { t } = useTranslation();
  const names = useQuery(projects());
  const [project, setProject] = useState<string | null>(null);
  const [batch, setBatch] = useState<string | null>(null);
  const [review, setReview] = useState<string | null>("pending");
  const [size, setSize] = useState(24);
  const [seed, setSeed] = useState(1);
  const batches = useBatchNames(project ?? undefined);
  const found = useQuery({
    queryKey: ["audits", project, batch, review],
    queryFn: () =>
      unwrap(
        api.GET("/v1/tasks", {
          params: {
            query: {
              status: ["completed"],
              limit: 100,
              ...(project === null ? {} : { project }),
              ...(batch === null ? {} : { batch }),
              ...(review === null ? {} : { customer_review_status: [review] }),
            },
          },
        }),
      ),
  });
  const tasks = useMemo(
    () => shuffled((found.data?.docs ?? []) as unknown as Task[], seed).slice(0, size),
    [found.data, seed, size],
  );
  return (
    <Page
      title={t("app.nav.audits")}
      actions={
        <Button
          variant="default"
          leftSection={<IconArrowsShuffle size={16} aria-hidden />}
          onClick={() => setSeed(seed + 1)}
        >
          {t("console.shuffle")}
        </Button>
      }
    >
      <Group gap="xs" mb="sm" align="end" role="search" aria-label={t("console.filters")}>
        <Select
          label={t("console.project")}
          data={(names.data ?? []).map((p) => p.name)}
          value={project}
          onChange={(value) => {
            setProject(value);
            setBatch(null);
          }}
          searchable
          clearable
          limit={200}
          size="xs"
        />
        <Select
          label={t("console.batch")}
          data={batches}
          value={batch}
          onChange={setBatch}
          searchable
          clearable
          limit={200}
          size="xs"
        />
        <Select
          label={t("console.column.review")}
          data={["pending", "accepted", "fixed", "commented", "rejected"].map((value) => ({
            value,
            label: t(`console.status.${value}`),
          }))}
          value={review}
          onChange={setReview}
          clearable
          size="xs"
        />
        <NumberInput
          label={t("console.sampleSize")}
          min={1}
          max={100}
          value={size}
          onChange={(n) => setSize(typeof n === "number" ? n : 24)}
          size="xs"
          w={110}
        />
        {found.data !== undefined && (
          <Text size="sm" c="dimmed" pb={6}>
            {t("console.sampleOf", { shown: tasks.length, total: found.data.total })}
          </Text>
        )}
      </Group>
      <Pending query={found}>
        {tasks.length === 0 ? (
          <Box className="sy-panel">
            <Empty title={t("console.noAudits")}>{t("console.noAuditsHint")}</Empty>
          </Box>
        ) : (
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="sm">
            {tasks.map((task) => (
              <AuditCard key={task.task_id} task={task} onDone={() => void found.refetch()} />
            ))}
          </SimpleGrid>
        )}
      </Pending>
    </Page>
  );
}
