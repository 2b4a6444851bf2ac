import { Box, Group, Kbd, SegmentedControl, Switch, Text, VisuallyHidden } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { shown } from "../commands/keys";
import type { Doc } from "../document/doc";
import { DocumentStore } from "../document/store";
import type { Comparison, OpenWork } from "./open";

const nothing = () => () => undefined;

interface BarProps {
  readonly comparisons: readonly Comparison[];
  readonly against: number;
  readonly onAgainst: (against: number) => void;
  readonly beside: boolean;
  readonly onBeside: (beside: boolean) => void;
  readonly keys: string | undefined;
}

/** What the answer is compared with, and whether that is shown beside it or only by marks in it. */
export function CompareBar({ comparisons, against, onAgainst, beside, onBeside, keys }: BarProps) {
  const { t } = useTranslation();
  return (
    <Group
      px="sm"
      py={4}
      gap="md"
      className="steelyard-compare"
      role="group"
      aria-label={t("workbench.compare")}
    >
      <Text size="xs" c="dimmed">
        {t("workbench.compare")}
      </Text>
      <SegmentedControl
        size="xs"
        aria-label={t("workbench.compare")}
        value={String(against)}
        onChange={(value) => onAgainst(Number(value))}
        data={comparisons.map(({ id, name }, i) => ({
          value: String(i),
          label: t(`workbench.compare.${id}`, { name }),
        }))}
      />
      <Switch
        size="xs"
        label={t("workbench.beside")}
        checked={beside}
        onChange={(event) => onBeside(event.currentTarget.checked)}
      />
      {keys !== undefined && (
        <Text size="xs" c="dimmed">
          <Kbd size="xs">{shown(keys)}</Kbd> {t("workbench.holdBefore")}
        </Text>
      )}
    </Group>
  );
}

interface PaneProps {
  readonly open: OpenWork;
  readonly comparison: Comparison;
  /** What the differences are marked against; null: none are. */
  readonly now: Doc | null;
  /** Over the editor while a key is held, instead of beside it. */
  readonly over?: boolean;
}

/** Another answer as the editor shows it, for reading only. */
export function ComparePane({ open, comparison, now, over = false }: PaneProps) {
  const { t } = useTranslation();
  const store = useMemo(() => new DocumentStore(comparison.doc), [comparison]);
  const memory = useMemo(() => new Map<string, unknown>(), []);
  const { Editor } = open.type;
  const name = t(`workbench.compare.${comparison.id}`, { name: comparison.name });
  return (
    <Box
      component="section"
      aria-label={name}
      className={over ? "steelyard-compare-over" : "steelyard-compare-beside"}
      data-compare={comparison.id}
    >
      {over ? (
        <VisuallyHidden>{name}</VisuallyHidden>
      ) : (
        <Text size="xs" fw={600} px="sm" py={4}>
          {name}
        </Text>
      )}
      <Box style={{ flex: 1, minHeight: 0, overflow: "auto" }}>
        <Editor
          task={open.work.task}
          media={open.work.media}
          store={store}
          mode="view"
          before={now}
          remarks={[]}
          issues={[]}
          registerCommands={nothing}
          memory={memory}
        />
      </Box>
    </Box>
  );
}
