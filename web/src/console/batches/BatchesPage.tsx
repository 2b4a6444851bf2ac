import { Box, Button, Group, Select, Tabs } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { projects } from "../../api/queries";
import { Empty, Pending } from "../../ui/feedback";
import { Page } from "../../ui/Page";
import { BatchOrder } from "./BatchOrder";
import { BatchTable } from "./BatchTable";
import { NewBatch } from "./NewBatch";
import { useBatches } from "./useBatches";

const STATUSES = ["staging", "in_progress", "paused", "completed", "cancelled"] as const;

/** Batches of all projects, and the order in which they are worked on. */
export default function BatchesPage() {
  const { t } = useTranslation();
  const [project, setProject] = useState<string | null>(null);
  const [status, setStatus] = useState<string | null>(null);
  const [creating, setCreating] = useState(false);
  const names = useQuery(projects());
  const found = useBatches({ project: project ?? undefined, status: status ?? undefined });
  const rows = found.data?.pages.flatMap((page) => page.docs) ?? [];
  return (
    <Page
      title={t("app.nav.batches")}
      actions={
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
          {t("console.newBatch")}
        </Button>
      }
    >
      <Tabs defaultValue="all" keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="all">{t("console.allBatches")}</Tabs.Tab>
          <Tabs.Tab value="order">{t("console.order")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="all">
          <Group gap="xs" mb="sm">
            <Select
              aria-label={t("console.project")}
              placeholder={t("console.project")}
              data={(names.data ?? []).map((p) => p.name)}
              value={project}
              onChange={setProject}
              searchable
              clearable
              limit={200}
              size="xs"
            />
            <Select
              aria-label={t("console.column.status")}
              placeholder={t("console.column.status")}
              data={STATUSES.map((name) => ({ value: name, label: t(`console.status.${name}`) }))}
              value={status}
              onChange={setStatus}
              clearable
              size="xs"
            />
          </Group>
          <Pending query={found}>
            {rows.length === 0 ? (
              <Empty title={t("console.noBatches")}>{t("console.noBatchesHint")}</Empty>
            ) : (
              <Box className="sy-panel" style={{ overflowX: "auto" }}>
                <BatchTable rows={rows} onChanged={() => void found.refetch()} />
              </Box>
            )}
            {found.hasNextPage && (
              <Button
                mt="sm"
                variant="default"
                loading={found.isFetchingNextPage}
                onClick={() => void found.fetchNextPage()}
              >
                {t("app.more")}
              </Button>
            )}
          </Pending>
        </Tabs.Panel>
        <Tabs.Panel value="order">
          <BatchOrder />
        </Tabs.Panel>
      </Tabs>
      <NewBatch
        opened={creating}
        project={project}
        onClose={() => setCreating(false)}
        onCreated={() => void found.refetch()}
      />
    </Page>
  );
}
