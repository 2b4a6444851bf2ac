import { Button, Select } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { TabbedPage } from "../../ui/TabbedPage";
import { ProjectSelect } from "../ProjectSelect";
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
  const found = useBatches({ project: project ?? undefined, status: status ?? undefined });
  return (
    <>
      <TabbedPage
        title={t("app.nav.batches")}
        actions={
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
            {t("console.newBatch")}
          </Button>
        }
        tabs={[
          {
            id: "all",
            title: t("console.allBatches"),
            filters: (
              <>
                <ProjectSelect value={project} onChange={setProject} archived />
                <Select
                  aria-label={t("console.column.status")}
                  placeholder={t("console.column.status")}
                  data={STATUSES.map((name) => ({ value: name, label: t(`console.status.${name}`) }))}
                  value={status}
                  onChange={setStatus}
                  clearable
                  clearButtonProps={{ "aria-label": t("console.clear") }}
                  size="xs"
                />
              </>
            ),
            table: <BatchTable found={found} />,
          },
          { id: "order", title: t("console.order"), table: <BatchOrder /> },
        ]}
      />
      <NewBatch
        opened={creating}
        project={project}
        onClose={() => setCreating(false)}
        onCreated={() => void found.refetch()}
      />
    </>
  );
}
