import {
  ActionIcon,
  Box,
  Button,
  Group,
  NumberInput,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  Title,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { workflow } from "../../api/queries";
import { Pending, Problem, told } from "../../ui/feedback";

type Workflow = Schemas["Workflow"];

export function WorkflowForm({ name }: { name: string }) {
  const found = useQuery(workflow(name));
  return (
    <Pending query={found}>{found.data !== undefined && <Fields name={name} held={found.data} />}</Pending>
  );
}

/** Which numbers there are, in which group, and between what; shares are entered as per cent. */
const NUMBERS = [
  ["queue", "overlap", 1, 9],
  ["queue", "lease_seconds", 60, 86_400],
  ["queue", "open_cap", 1, 1000],
  ["queue", "daily_cap", 1, 100_000],
  ["queue", "skip_limit", 1, 100],
  ["quality", "evaluation_window", 1, 200],
  ["quality", "evaluation_min", 1, 200],
  ["quality", "training_required", 0, 1000],
] as const;
const SHARES = [
  ["quality", "evaluation_rate", 50],
  ["quality", "evaluation_bar", 100],
  ["quality", "tolerance", 100],
  ["audit", "audit_sample", 100],
] as const;

function Fields({ name, held }: { name: string; held: Workflow }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [given, setGiven] = useState<Workflow>(held);
  const set = (part: Partial<Workflow>) => setGiven({ ...given, ...part });
  const save = useMutation({
    mutationFn: () =>
      unwrap(api.PUT("/api/projects/{name}/workflow", { params: { path: { name } }, body: given })),
    onSuccess: (saved) => {
      client.setQueryData(workflow(name).queryKey, saved);
      told(t("console.saved"));
    },
  });
  const numbers = (group: string) =>
    NUMBERS.filter(([g]) => g === group).map(([, key, min, max]) => (
      <NumberInput
        key={key}
        label={t(`console.workflow.${key}`)}
        description={t(`console.workflow.${key}.hint`)}
        min={min}
        max={max}
        allowDecimal={false}
        value={given[key] ?? ""}
        onChange={(value) =>
          set({ [key]: typeof value === "number" ? value : key === "daily_cap" ? null : min })
        }
      />
    ));
  const shares = (group: string) =>
    SHARES.filter(([g]) => g === group).map(([, key, most]) => (
      <NumberInput
        key={key}
        label={t(`console.workflow.${key}`)}
        description={t(`console.workflow.${key}.hint`)}
        min={0}
        max={most}
        suffix=" %"
        value={Math.round((given[key] ?? 0) * 1000) / 10}
        onChange={(value) => set({ [key]: (typeof value === "number" ? value : 0) / 100 })}
      />
    ));
  const stages = given.review_stages ?? [];
  const cols = { base: 1, sm: 2, lg: 3 };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack>
        <Section title={t("console.workflow.queue")}>
          <SimpleGrid cols={cols}>{numbers("queue")}</SimpleGrid>
        </Section>
        <Section title={t("console.workflow.review")}>
          <Stack gap="xs">
            <Text size="sm" c="dimmed">
              {t("console.workflow.reviewHint")}
            </Text>
            {stages.map((stage, at) => (
              <Group
                // biome-ignore lint/suspicious/noArrayIndexKey: a stage is its place in the order
                key={at}
                align="end"
              >
                <NumberInput
                  label={t("console.workflow.stage", { stage: at + 1 })}
                  min={0}
                  max={100}
                  suffix=" %"
                  value={Math.round((stage.sample ?? 1) * 1000) / 10}
                  onChange={(value) =>
                    set({
                      review_stages: stages.map((s, i) =>
                        i === at ? { ...s, sample: (typeof value === "number" ? value : 100) / 100 } : s,
                      ),
                    })
                  }
                />
                <ActionIcon
                  variant="default"
                  size="lg"
                  aria-label={t("console.removeItem", {
                    name: t("console.workflow.stage", { stage: at + 1 }),
                  })}
                  onClick={() => set({ review_stages: stages.filter((_, i) => i !== at) })}
                >
                  <IconTrash size={16} aria-hidden />
                </ActionIcon>
              </Group>
            ))}
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPlus size={14} aria-hidden />}
              style={{ alignSelf: "start" }}
              onClick={() => set({ review_stages: [...stages, { sample: 1 }] })}
            >
              {t("console.workflow.addStage")}
            </Button>
          </Stack>
        </Section>
        <Section title={t("console.workflow.quality")}>
          <SimpleGrid cols={cols}>
            {shares("quality")}
            {numbers("quality")}
          </SimpleGrid>
          <Switch
            mt="md"
            label={t("console.workflow.pause_below_bar")}
            checked={given.pause_below_bar ?? true}
            onChange={(event) => set({ pause_below_bar: event.currentTarget.checked })}
          />
        </Section>
        <Section title={t("console.workflow.audit")}>
          <SimpleGrid cols={cols}>{shares("audit")}</SimpleGrid>
          <Switch
            mt="md"
            label={t("console.workflow.redo_after_rejection")}
            checked={given.redo_after_rejection ?? false}
            onChange={(event) => set({ redo_after_rejection: event.currentTarget.checked })}
          />
        </Section>
        <Problem error={save.error} />
        <Button type="submit" loading={save.isPending} style={{ alignSelf: "start" }}>
          {t("console.save")}
        </Button>
      </Stack>
    </form>
  );
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <Box className="sy-panel" p="md" component="section">
      <Title order={2} mb="sm">
        {title}
      </Title>
      {children}
    </Box>
  );
}
