import {
  Anchor,
  Box,
  Button,
  Group,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { IconFileSpreadsheet } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schemas, unwrap } from "../../api/client";
import { BarChart } from "../../ui/BarChart";
import { type DataColumn, DataTable } from "../../ui/DataTable";
import { hours, number, seconds, share } from "../../ui/format";
import { Page } from "../../ui/Page";
import { byDay, dayOf, lastDays } from "./days";

type Item = Schemas["FigureItem"];
type By = "contributor" | "project" | "batch";
type Narrowed = Partial<Record<By, string>>;
const DAYS = 30;

function useFigures(by: By, every: "total" | "day", from: string, to: string, only: Narrowed = {}) {
  return useQuery({
    queryKey: ["figures", by, every, from, to, only],
    queryFn: () =>
      unwrap(api.GET("/api/figures", { params: { query: { by, every, from, to, limit: 5000, ...only } } })),
    placeholderData: keepPreviousData,
  });
}

/** Who did how much, how well and in which time; charts over the days, and the table that says the same. */
export default function FiguresPage() {
  const { t } = useTranslation();
  const [by, setBy] = useState<By>("contributor");
  const now = useMemo(() => Date.now(), []);
  const [from, setFrom] = useState(() => lastDays(DAYS, now)[0] ?? dayOf(now));
  const [to, setTo] = useState(() => dayOf(now));
  const totals = useFigures(by, "total", from, to);
  const [one, setOne] = useState<string | null>(null);
  const daily = useFigures(one === null ? "project" : by, "day", from, to, one === null ? {} : { [by]: one });
  const span = Math.min(366, Math.max(1, Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000) + 1));
  const days = lastDays(Number.isFinite(span) ? span : DAYS, Date.parse(to) || now);
  const chart = (value: (item: Item) => number) =>
    byDay(days, daily.data?.items ?? [], (item) => item.period, value);
  const figure = (title: string, cell: (row: Item) => string | number): DataColumn<Item> => ({
    title,
    numeric: true,
    cell,
  });
  const columns: DataColumn<Item>[] = [
    {
      title: t(`console.by.${by}`),
      cell: (row) =>
        row.name === "" ? (
          t("console.without")
        ) : (
          <Anchor
            component="button"
            size="sm"
            aria-pressed={one === row.name}
            title={t("console.figure.chartsOf")}
            onClick={() => setOne(one === row.name ? null : row.name)}
          >
            {row.name}
          </Anchor>
        ),
    },
    ...(by === "contributor" ? [] : [figure(t("console.status.completed"), (row) => number(row.completed))]),
    figure(t("console.figure.labels"), (row) => number(row.labels)),
    figure(t("console.figure.reviews"), (row) => number(row.reviews)),
    figure(t("console.figure.skips"), (row) => number(row.skips)),
    figure(t("console.figure.acceptance"), (row) => share(row.acceptance)),
    figure(t("console.figure.evaluation"), (row) => share(row.evaluation_score)),
    figure(t("console.figure.time"), (row) => hours(row.active_seconds)),
    figure(t("console.figure.perLabel"), (row) =>
      row.labels === 0 ? "–" : seconds(row.label_seconds / row.labels),
    ),
  ];
  const csv = `/api/figures.csv?${new URLSearchParams({ by, from, to })}`;
  return (
    <Page
      title={t("app.nav.figures")}
      actions={
        <Button
          component="a"
          href={csv}
          download
          variant="default"
          leftSection={<IconFileSpreadsheet size={16} aria-hidden />}
        >
          CSV
        </Button>
      }
    >
      <Stack>
        <Group gap="xs" align="end">
          <SegmentedControl
            aria-label={t("console.show")}
            size="xs"
            value={by}
            onChange={(value) => {
              setBy(value as By);
              setOne(null);
            }}
            data={(["contributor", "project", "batch"] as const).map((value) => ({
              value,
              label: t(`console.by.${value}`),
            }))}
          />
          <TextInput
            type="date"
            label={t("console.from")}
            value={from}
            max={to}
            onChange={(e) => setFrom(e.currentTarget.value)}
            size="xs"
          />
          <TextInput
            type="date"
            label={t("console.to")}
            value={to}
            min={from}
            onChange={(e) => setTo(e.currentTarget.value)}
            size="xs"
          />
        </Group>
        <Group gap="xs" mih={26}>
          <Text size="sm" fw={600} aria-live="polite">
            {one ?? t("console.figure.everybody")}
          </Text>
          {one !== null && (
            <Button size="compact-xs" variant="default" onClick={() => setOne(null)}>
              {t("console.figure.showAll")}
            </Button>
          )}
        </Group>
        <SimpleGrid cols={{ base: 1, md: 3 }} spacing="sm">
          <Box className="sy-panel" p="md">
            <BarChart
              bars={chart((item) => item.labels)}
              label={t("console.figure.labelsPerDay")}
              shown={number}
            />
          </Box>
          <Box className="sy-panel" p="md">
            <BarChart
              bars={chart((item) => item.active_seconds / 3600)}
              label={t("console.figure.hoursPerDay")}
              shown={(h) => hours(h * 3600)}
            />
          </Box>
          <Box className="sy-panel" p="md">
            <BarChart
              bars={chart((item) => item.reviews)}
              label={t("console.figure.reviewsPerDay")}
              shown={number}
            />
          </Box>
        </SimpleGrid>
        <DataTable
          label={t("app.nav.figures")}
          query={totals}
          rows={totals.data?.items ?? []}
          idOf={(row) => row.id}
          empty={t("console.noFigures")}
          emptyHint={t("console.noFiguresHint")}
          columns={columns}
        />
      </Stack>
    </Page>
  );
}
