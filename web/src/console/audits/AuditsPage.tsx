import { Box, Button, NumberInput, Select, SimpleGrid, Text } from "@mantine/core";
import { IconArrowsShuffle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Filters } from "../../ui/Filters";
import { Empty, Pending } from "../../ui/feedback";
import { Page } from "../../ui/Page";
import { useBatchNames } from "../batches/useBatches";
import { ProjectSelect } from "../ProjectSelect";
import { AuditCard } from "./AuditCard";
import { type AuditFilters, auditFilters, SOURCES } from "./filters";
import { auditQueue } from "./queue";
import { shuffled } from "./shuffle";

/** Completed tasks as cards, in an order that favours none: look, then accept, reject or comment. */
export default function AuditsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const filters = useSearch({ from: "/session/shell/console/audits" });
  const [size, setSize] = useState(24);
  const [seed, setSeed] = useState(1);
  const batches = useBatchNames(filters.project);
  const found = useQuery(auditQueue(filters));
  const ids = useMemo(() => shuffled(found.data?.ids ?? [], seed).slice(0, size), [found.data, seed, size]);
  const choose = (change: Record<string, string | null>) => {
    const next = Object.fromEntries(Object.entries({ ...filters, ...change }).filter(([, v]) => v !== null));
    const search: AuditFilters = auditFilters(next);
    void navigate({ to: "/console/audits", search, replace: true });
  };
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
      <Filters>
        <Select
          label={t("console.show")}
          data={SOURCES.map((value) => ({ value, label: t(`console.audit.${value}`) }))}
          value={filters.source}
          onChange={(source) => choose({ source })}
          allowDeselect={false}
          size="xs"
          w={230}
        />
        <ProjectSelect
          value={filters.project ?? null}
          onChange={(project) => choose({ project, batch: null })}
          archived
          labelled
          width={200}
        />
        <Select
          label={t("console.batch")}
          data={batches}
          value={filters.batch ?? null}
          onChange={(batch) => choose({ batch })}
          searchable
          clearable
          limit={200}
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
            {t("console.sampleOf", {
              shown: ids.length,
              total: `${found.data.ids.length}${found.data.more ? "+" : ""}`,
            })}
          </Text>
        )}
      </Filters>
      <Pending query={found}>
        {ids.length === 0 ? (
          <Box className="sy-panel">
            <Empty title={t("console.noAudits")}>
              {t(filters.source === "sample" ? "console.noSampleHint" : "console.noAuditsHint")}
            </Empty>
          </Box>
        ) : (
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="sm">
            {ids.map((id) => (
              <AuditCard key={id} taskId={id} filters={filters} onDone={() => void found.refetch()} />
            ))}
          </SimpleGrid>
        )}
      </Pending>
    </Page>
  );
}
