import {
  ActionIcon,
  Box,
  Button,
  Group,
  Kbd,
  ScrollArea,
  Stack,
  Text,
  TextInput,
  Title,
  UnstyledButton,
} from "@mantine/core";
import { IconCheck, IconTrash, IconX } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useKeys } from "../../commands/useKeys";
import type { Doc } from "../../document/doc";
import type { Look } from "../../text/TextView";
import { questionKeys } from "../questions";
import type { Issue } from "../registry";
import { Attributes } from "./Attributes";
import { accept, remove, unlink } from "./actions";
import type { TextState } from "./commands";
import type { SpanRecord } from "./model";

interface Props {
  readonly state: TextState;
  readonly doc: Doc;
  readonly spans: readonly SpanRecord[];
  readonly selection: ReadonlySet<string>;
  readonly look: (id: string) => Look;
  readonly issues: readonly Issue[];
  readonly search: RefObject<HTMLInputElement | null>;
  /** Whether somebody has asked for the search, which is there for few labels, too, then. */
  readonly searching: boolean;
  readonly onSearched: () => void;
  readonly onChoose: (label: string) => void;
  readonly onLinking: (id: string | null) => void;
  readonly side: RefObject<HTMLElement | null>;
  readonly backToText: () => void;
}

const SHOWN = 200;
const ROW_PX = 30;

/** Labels with their keys; the selected span with attributes and relations; all spans. */
export function SidePanel(props: Props) {
  const { state, spans, selection } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const selected = spans.filter((span) => selection.has(span.id));
  const only = selected.length === 1 ? selected[0] : undefined;
  const label = state.labels.find((l) => l.name === only?.label);
  return (
    <Box
      component="aside"
      ref={props.side}
      className="steelyard-side"
      w={300}
      style={{ flexShrink: 0 }}
      onKeyDownCapture={(event) => questionKeys(event, props.backToText)}
    >
      <ScrollArea h="100%" p="sm" viewportRef={scroller}>
        <Stack gap="md">
          <Labels {...props} />
          {only !== undefined && label?.attributes && (
            <Attributes
              span={only}
              attributes={label.attributes}
              store={state.store}
              editable={state.editable}
              issues={props.issues}
            />
          )}
          {only !== undefined && (state.params.relationships ?? []).length > 0 && (
            <Links {...props} span={only} />
          )}
          <Spans {...props} scroller={scroller} />
        </Stack>
      </ScrollArea>
    </Box>
  );
}

function Labels({ state, selection, search, searching, onSearched, backToText, onChoose }: Props) {
  const { t } = useTranslation();
  const keysOf = useKeys();
  const [wanted, setWanted] = useState("");
  const found = state.labels.filter((label) =>
    `${label.display_name ?? ""} ${label.name}`.toLowerCase().includes(wanted.toLowerCase()),
  );
  return (
    <Stack gap={4}>
      <Title order={2} size="h6">
        {t("text.labels")}
      </Title>
      {(state.labels.length > 5 || searching) && (
        <TextInput
          ref={search}
          autoFocus={searching}
          onBlur={onSearched}
          size="xs"
          aria-label={t("text.searchLabels")}
          placeholder={t("text.searchLabels")}
          rightSection={<Kbd size="xs">{keysOf("label.search", "/")}</Kbd>}
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && found[0] !== undefined) {
              onChoose(found[0].name);
              setWanted("");
            } else if (event.key === "Escape") backToText();
          }}
        />
      )}
      {found.slice(0, SHOWN).map((label) => {
        const n = state.labels.indexOf(label);
        return (
          <UnstyledButton
            key={label.name}
            className="steelyard-label"
            aria-pressed={state.active === label.name}
            disabled={!state.editable}
            title={label.description ?? ""}
            style={{ paddingInlineStart: 8 + label.depth * 14 }}
            onClick={() => onChoose(label.name)}
          >
            <Group gap={8} wrap="nowrap">
              <Box w={10} h={10} bg={label.shade} style={{ borderRadius: 3, flexShrink: 0 }} />
              <Text size="sm" flex={1} truncate>
                {label.display_name ?? label.name}
              </Text>
              {n < 10 && <Kbd size="xs">{keysOf(`label.${n + 1}`, String((n + 1) % 10))}</Kbd>}
            </Group>
          </UnstyledButton>
        );
      })}
      <Text size="xs" c="dimmed">
        {t(
          state.cursor !== null
            ? "text.hint.marked"
            : selection.size > 0
              ? "text.hint.selected"
              : state.active !== null
                ? "text.hint.active"
                : "text.hint.none",
        )}
      </Text>
    </Stack>
  );
}

function Links({ state, doc, span, look, onLinking }: Props & { readonly span: SpanRecord }) {
  const { t } = useTranslation();
  const keysOf = useKeys();
  const mine = doc.links.filter((l) => l.from === span.id || l.to === span.id);
  const named = (id: string) => {
    const other = doc.records.get(id) as SpanRecord | undefined;
    return other === undefined
      ? ""
      : state.index.slice(other.data.start, Math.min(other.data.end, other.data.start + 40));
  };
  return (
    <Stack gap={4}>
      <Title order={2} size="h6">
        {t("text.relations")}
      </Title>
      {mine.map((l) => {
        const name =
          state.params.relationships?.find((d) => (d.name ?? "") === l.label)?.display_name ?? l.label;
        return (
          <Group key={l.id} gap={4} wrap="nowrap" justify="space-between">
            <Text size="sm" truncate title={look(l.to).name}>
              {named(l.from)} → {name === "" ? t("text.unnamed") : name} → {named(l.to)}
            </Text>
            {state.editable && (
              <ActionIcon
                size="sm"
                variant="subtle"
                color="gray"
                aria-label={t("text.do.unlink")}
                onClick={() => unlink(state.store, l.id)}
              >
                <IconX size={14} />
              </ActionIcon>
            )}
          </Group>
        );
      })}
      {state.editable && (
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => onLinking(state.linking === null ? span.id : null)}
          rightSection={<Kbd size="xs">{keysOf("text.link", "Alt+R")}</Kbd>}
        >
          {t(state.linking === null ? "command.text.link" : "text.pickOther")}
        </Button>
      )}
    </Stack>
  );
}

function Spans({
  state,
  spans,
  selection,
  look,
  issues,
  scroller,
}: Props & { readonly scroller: RefObject<HTMLDivElement | null> }) {
  const { t } = useTranslation();
  const order = useMemo(() => [...spans].sort((a, b) => a.data.start - b.data.start), [spans]);
  const list = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 6,
    scrollMargin: list.current?.offsetTop ?? 0,
  });
  const chosen = order.findIndex((span) => selection.has(span.id));
  useEffect(() => {
    if (chosen >= 0) virtual.scrollToIndex(chosen, { align: "auto" });
  }, [chosen, virtual]);
  const wrong = new Set(issues.map((issue) => issue.record));
  const proposed = spans.filter((span) => span.hypothesis === "proposed").length;
  return (
    <Stack gap={2}>
      <Group justify="space-between">
        <Title order={2} size="h6">
          {t("text.spans", { count: spans.length })}
        </Title>
        {proposed > 0 && state.editable && (
          <Button
            size="compact-xs"
            variant="light"
            onClick={() => accept(state.store, state.store.doc.order)}
          >
            {t("command.text.acceptAll")}
          </Button>
        )}
      </Group>
      {spans.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("text.noSpans")}
        </Text>
      )}
      <div ref={list} style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {virtual.getVirtualItems().map((item) => {
          const span = order[item.index];
          return span === undefined ? null : (
            <Row
              key={span.id}
              span={span}
              state={state}
              selection={selection}
              look={look(span.id)}
              wrong={wrong.has(span.id)}
              top={item.start - virtual.options.scrollMargin}
            />
          );
        })}
      </div>
    </Stack>
  );
}

interface RowProps {
  readonly span: SpanRecord;
  readonly state: TextState;
  readonly selection: ReadonlySet<string>;
  readonly look: Look;
  readonly wrong: boolean;
  readonly top: number;
}

function Row({ span, state, selection, look, wrong, top }: RowProps) {
  const { t } = useTranslation();
  const { start, end } = span.data;
  return (
    <div
      className="steelyard-label steelyard-span-row"
      data-active={selection.has(span.id) || undefined}
      data-wrong={wrong || undefined}
      style={{ transform: `translateY(${top}px)`, height: ROW_PX }}
    >
      <button
        type="button"
        className="steelyard-plain"
        onClick={(event) => state.store.select(event.shiftKey ? [...selection, span.id] : [span.id])}
      >
        <i style={{ background: look.color }} />
        <span dir="auto">{state.index.slice(start, Math.min(end, start + 60))}</span>
        <small>{look.name}</small>
      </button>
      {state.editable && span.hypothesis === "proposed" && (
        <ActionIcon
          size="sm"
          variant="subtle"
          color="teal"
          aria-label={t("command.text.accept")}
          onClick={() => accept(state.store, [span.id])}
        >
          <IconCheck size={14} />
        </ActionIcon>
      )}
      {state.editable && (
        <ActionIcon
          size="sm"
          variant="subtle"
          color="gray"
          aria-label={t("command.object.delete")}
          onClick={() => remove(state.store, [span.id])}
        >
          <IconTrash size={14} />
        </ActionIcon>
      )}
    </div>
  );
}
