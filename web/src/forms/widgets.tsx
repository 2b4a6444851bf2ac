import {
  ActionIcon,
  Box,
  Button,
  Checkbox,
  Group,
  Kbd,
  NumberInput,
  type NumberInputHandlers,
  type NumberInputProps,
  Radio,
  SegmentedControl,
  Slider,
  Stack,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { type ComponentType, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Value } from "../document/doc";
import { type Path, pathText, setAt, useEnv } from "./FormView";
import { type Choice, choiceBounds, count, type Field, isTrue, type Kind, options } from "./fields";

export interface WidgetProps {
  readonly field: Field;
  readonly value: Value | undefined;
  readonly path: Path;
  readonly label: string;
}

const MANY = 24;

function TextWidget({ field, value, path, label }: WidgetProps) {
  const { store, editable } = useEnv();
  const common = {
    "aria-label": label,
    placeholder: field.placeholder ?? undefined,
    value: typeof value === "string" ? value : "",
    readOnly: !editable,
    dir: "auto" as const,
    onChange: (event: { currentTarget: { value: string } }) => {
      const text = event.currentTarget.value;
      setAt(
        store,
        path,
        text === "" && field.emptyIsAnswer !== true ? undefined : text,
        "forms.do.answer",
        pathText(path),
      );
    },
  };
  return field.multiline === true || count(field.max_characters, 0) > 200 ? (
    <Textarea {...common} autosize minRows={3} maxRows={14} />
  ) : (
    <TextInput {...common} />
  );
}

/** A number; arrows step it, but not those with Alt, which walk from question to question. */
function Amount(props: NumberInputProps) {
  const handlers = useRef<NumberInputHandlers>(null);
  return (
    <NumberInput
      {...props}
      handlersRef={handlers}
      withKeyboardEvents={false}
      onKeyDown={(event) => {
        if (props.readOnly === true || event.altKey || event.ctrlKey || event.metaKey) return;
        if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
        event.preventDefault();
        if (event.key === "ArrowUp") handlers.current?.increment();
        else handlers.current?.decrement();
      }}
    />
  );
}

function NumberWidget({ field, value, path, label }: WidgetProps) {
  const { store, editable } = useEnv();
  const shown = typeof value === "string" || typeof value === "number" ? value : "";
  const [low, high] = [count(field.min, 0), count(field.max, 100)];
  const set = (given: string) =>
    setAt(store, path, given === "" ? undefined : given, "forms.do.answer", pathText(path));
  return (
    <Group wrap="nowrap" gap="md">
      <Amount
        aria-label={label}
        value={shown}
        min={field.min === null || field.min === undefined ? undefined : low}
        max={field.max === null || field.max === undefined ? undefined : high}
        step={count(field.step, 1)}
        prefix={field.prefix ?? undefined}
        suffix={field.suffix ?? undefined}
        clampBehavior="none"
        allowDecimal
        readOnly={!editable}
        w={180}
        onChange={(given) => set(String(given))}
      />
      {isTrue(field.use_slider) && (
        <Slider
          flex={1}
          aria-label={label}
          thumbLabel={label}
          min={low}
          max={high}
          step={count(field.step, (high - low) / 100)}
          value={Number(shown) || low}
          disabled={!editable}
          onChange={(given) => set(String(given))}
        />
      )}
    </Group>
  );
}

function BooleanWidget({ value, path, label }: WidgetProps) {
  const { store, editable } = useEnv();
  const { t } = useTranslation();
  return (
    <SegmentedControl
      aria-label={label}
      disabled={!editable}
      value={value === true ? "yes" : value === false ? "no" : ""}
      data={(["yes", "no"] as const).map((word, i) => ({
        value: word,
        label: (
          <Group gap={6} wrap="nowrap" data-choice={i + 1}>
            <span>{t(`forms.${word}`)}</span>
            {editable && <Kbd size="xs">{i + 1}</Kbd>}
          </Group>
        ),
      }))}
      onChange={(given) => setAt(store, path, given === "yes")}
    />
  );
}

const MOMENT_INPUTS = { date: "date", time: "time", datetime: "datetime-local" } as const;

function MomentWidget({ field, value, path, label }: WidgetProps) {
  const { store, editable } = useEnv();
  const format = (field.format ?? "date") as keyof typeof MOMENT_INPUTS;
  const shown = typeof value === "string" ? (format === "datetime" ? value.replace(/Z$/, "") : value) : "";
  const wire = (given: string): string | undefined => {
    if (given === "") return undefined;
    const whole = format !== "date" && /^(?:.*T)?\d\d:\d\d$/.test(given) ? `${given}:00` : given;
    return format === "datetime" ? `${whole}Z` : whole;
  };
  return (
    <Group gap="xs">
      <TextInput
        type={MOMENT_INPUTS[format] ?? "date"}
        step={1}
        aria-label={label}
        value={shown}
        readOnly={!editable}
        w={240}
        onChange={(event) =>
          setAt(store, path, wire(event.currentTarget.value), "forms.do.answer", pathText(path))
        }
      />
      {format === "datetime" && (
        <Text size="xs" c="dimmed">
          UTC
        </Text>
      )}
    </Group>
  );
}

/** Picks or unpicks a choice; of a field that takes one, the new one replaces the old. */
export function picked(field: Field, value: Value | undefined, choice: Choice): Value | undefined {
  const now = Array.isArray(value) ? (value as readonly Value[]) : [];
  const [, high] = choiceBounds(field);
  const order = options(field).map((option) => option.value);
  if (now.includes(choice.value)) {
    const rest = now.filter((one) => one !== choice.value);
    return rest.length > 0 ? rest : undefined;
  }
  const next = high === 1 ? [choice.value] : [...now, choice.value];
  return [...next].sort((a, b) => order.indexOf(a as never) - order.indexOf(b as never));
}

function ChoiceWidget({ field, value, path, label }: WidgetProps) {
  const { store, editable } = useEnv();
  const { t } = useTranslation();
  const [wanted, setWanted] = useState("");
  const all = options(field);
  const [, high] = choiceBounds(field);
  const now = Array.isArray(value) ? (value as readonly Value[]) : [];
  const toggle = (choice: Choice) => editable && setAt(store, path, picked(field, value, choice));
  const tree = (list: readonly Choice[], depth: number): React.ReactNode =>
    list.map((choice) => {
      if (choice.subchoices?.length) {
        const inner = tree(choice.subchoices, depth + 1);
        return (
          <Box key={`group ${choice.label}`} role="group" aria-label={choice.label}>
            <Text size="xs" fw={700} c="dimmed" mt={4} ps={depth * 18}>
              {choice.label}
            </Text>
            <Stack gap={6}>{inner}</Stack>
          </Box>
        );
      }
      if (wanted !== "" && !choice.label.toLowerCase().includes(wanted.toLowerCase())) return null;
      const n = all.indexOf(choice);
      const shown = (
        <Group gap={8} wrap="nowrap">
          <bdi>{choice.label}</bdi>
          {n < 9 && <Kbd size="xs">{n + 1}</Kbd>}
        </Group>
      );
      const common = {
        checked: now.includes(choice.value),
        label: shown,
        description: choice.hint ?? undefined,
        readOnly: !editable,
        onChange: () => toggle(choice),
        "data-choice": n + 1,
      };
      return (
        <div
          key={`${typeof choice.value} ${String(choice.value)}`}
          style={{ paddingInlineStart: depth * 18 }}
        >
          {high === 1 ? (
            <Radio
              {...common}
              name={pathText(path)}
              onClick={() => now.includes(choice.value) && toggle(choice)}
            />
          ) : (
            <Checkbox
              {...common}
              disabled={!editable || (now.length >= high && !now.includes(choice.value))}
            />
          )}
        </div>
      );
    });
  return (
    <Box role={high === 1 ? "radiogroup" : "group"} aria-label={label}>
      <Stack gap={6}>
        {all.length > MANY && (
          <TextInput
            size="xs"
            aria-label={t("forms.searchChoices")}
            placeholder={t("forms.searchChoices")}
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
            onKeyDown={(event) => {
              const first = all.find((choice) => choice.label.toLowerCase().includes(wanted.toLowerCase()));
              if (event.key === "Enter" && first !== undefined) {
                toggle(first);
                setWanted("");
              }
            }}
          />
        )}
        {tree(field.choices ?? [], 0)}
        {high > 1 && (
          <Text size="xs" c="dimmed">
            {t("forms.picked", { count: now.length, high })}
          </Text>
        )}
      </Stack>
    </Box>
  );
}

/** Options are ranked in the order in which they are chosen; a rank may hold several where ties are allowed (Shift). */
function RankingWidget({ field, value, path, label }: WidgetProps) {
  const { store, editable } = useEnv();
  const { t } = useTranslation();
  const ties = isTrue(field.allow_ties);
  const all = options(field);
  const ranks: Value[][] = (Array.isArray(value) ? (value as readonly Value[]) : []).map((one) =>
    Array.isArray(one) ? [...one] : [one],
  );
  const set = (next: Value[][]) => {
    const full = next.filter((group) => group.length > 0);
    setAt(store, path, full.length === 0 ? undefined : ties ? full : full.flat());
  };
  const rankOf = (choice: Choice) => ranks.findIndex((group) => group.includes(choice.value));
  const choose = (choice: Choice, tie: boolean) => {
    if (!editable) return;
    if (rankOf(choice) >= 0) set(ranks.map((group) => group.filter((one) => one !== choice.value)));
    else if (tie && ties && ranks.length > 0)
      set(ranks.map((group, i) => (i === ranks.length - 1 ? [...group, choice.value] : group)));
    else set([...ranks, [choice.value]]);
  };
  const shift = (rank: number, by: -1 | 1) => {
    const next = [...ranks];
    const [moved] = next.splice(rank, 1);
    if (moved !== undefined) next.splice(rank + by, 0, moved);
    set(next);
  };
  const order = [...all].sort((a, b) => {
    const [x, y] = [rankOf(a), rankOf(b)];
    return (x < 0 ? all.length : x) - (y < 0 ? all.length : y);
  });
  return (
    <Stack gap={4} role="group" aria-label={label}>
      {field.first_label && (
        <Text size="xs" c="dimmed">
          1 = {field.first_label}
        </Text>
      )}
      {order.map((choice) => {
        const rank = rankOf(choice);
        return (
          <Group key={String(choice.value)} gap="xs" wrap="nowrap">
            <Button
              flex={1}
              size="sm"
              justify="flex-start"
              variant={rank < 0 ? "default" : "light"}
              aria-pressed={rank >= 0}
              data-choice={all.indexOf(choice) + 1}
              leftSection={<Kbd>{rank < 0 ? "–" : rank + 1}</Kbd>}
              onClick={(event) => choose(choice, event.shiftKey)}
            >
              <bdi>{choice.label}</bdi>
            </Button>
            {editable && rank >= 0 && (
              <>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  disabled={rank === 0}
                  aria-label={t("forms.rankUp", { label: choice.label })}
                  onClick={() => shift(rank, -1)}
                >
                  <IconArrowUp size={16} />
                </ActionIcon>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  disabled={rank === ranks.length - 1}
                  aria-label={t("forms.rankDown", { label: choice.label })}
                  onClick={() => shift(rank, 1)}
                >
                  <IconArrowDown size={16} />
                </ActionIcon>
              </>
            )}
          </Group>
        );
      })}
      {field.last_label && (
        <Text size="xs" c="dimmed">
          {all.length} = {field.last_label}
        </Text>
      )}
      <Text size="xs" c="dimmed">
        {t(ties ? "forms.rankTies" : "forms.rankHint")}
      </Text>
    </Stack>
  );
}

function TimeRangeWidget({ field, value, path, label }: WidgetProps) {
  const { store, editable, playable, playerTime } = useEnv();
  const { t } = useTranslation();
  const span =
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, Value>)
      : {};
  const index =
    typeof span.attachment_index === "number"
      ? span.attachment_index
      : (field.attachment_index ?? playable[0]?.index ?? 0);
  const put = (key: "start" | "end", given: number | null) => {
    if (given === null) return;
    const next: Record<string, Value> = { ...span, [key]: Math.round(given * 1000) / 1000 };
    if (playable.length > 1) next.attachment_index = index;
    setAt(store, path, next, "forms.do.answer", pathText(path));
  };
  return (
    <Group gap="xs" role="group" aria-label={label}>
      {(["start", "end"] as const).map((key) => (
        <Group key={key} gap={4} wrap="nowrap">
          <Amount
            aria-label={`${label}: ${t(`forms.${key}`)}`}
            placeholder={t(`forms.${key}`)}
            value={typeof span[key] === "number" ? span[key] : ""}
            min={0}
            step={0.1}
            decimalScale={3}
            suffix=" s"
            w={130}
            readOnly={!editable}
            onChange={(given) => put(key, typeof given === "number" ? given : null)}
          />
          {editable && (
            <Button size="xs" variant="default" onClick={() => put(key, playerTime(index))}>
              {t(`forms.${key}Here`)}
            </Button>
          )}
        </Group>
      ))}
    </Group>
  );
}

export const WIDGETS: Partial<Record<Kind, ComponentType<WidgetProps>>> = {
  text: TextWidget,
  number: NumberWidget,
  boolean: BooleanWidget,
  datetime: MomentWidget,
  category: ChoiceWidget,
  select: ChoiceWidget,
  ranking_order: RankingWidget,
  time_range: TimeRangeWidget,
};
