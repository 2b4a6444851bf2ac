import { Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { createContext, type KeyboardEvent, useContext, useMemo } from "react";
import { flushSync } from "react-dom";
import { useTranslation } from "react-i18next";
import type { Value } from "../document/doc";
import type { DocumentStore } from "../document/store";
import { Form, Scope } from "./conditions";
import {
  type Answers,
  children,
  type Field,
  isContainer,
  isTrue,
  kindOf,
  least,
  most,
  options,
  setIn,
} from "./fields";
import { WIDGETS } from "./widgets";
import "./forms.css";

export type Path = readonly (string | number)[];

/** Of more answers than this nobody counts how many may be given. */
const FEW_TO_COUNT = 99;

/** The text of a path as issues write it: `set.why`, `speech[1].start`. */
export function pathText(path: Path): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join("");
}

export interface FormEnv {
  readonly store: DocumentStore;
  readonly editable: boolean;
  /** Sentences of what is wrong, by the path of the field. */
  readonly issues: ReadonlyMap<string, string>;
  /** Earlier answers, whose differences are marked; null when there are none. */
  readonly before: Answers | null;
  /** Places in the params of what can be played, and the player's time, for time ranges. */
  readonly playable: readonly { readonly index: number; readonly label: string }[];
  readonly playerTime: (index: number) => number | null;
  readonly onFocusField: (path: string) => void;
}

const Env = createContext<FormEnv | null>(null);

export function useEnv(): FormEnv {
  const env = useContext(Env);
  if (env === null) throw new Error("a field outside of a form");
  return env;
}

interface Props extends FormEnv {
  readonly fields: readonly Field[];
  readonly answers: Answers;
}

/** A form made from its params: fields that conditions hide are not there. */
export function FormView({ fields, answers, ...env }: Props) {
  const form = useMemo(() => new Form(fields), [fields]);
  return (
    <Env.Provider value={env}>
      <Level fields={fields} answers={answers} path={[]} scope={new Scope(form, fields, answers)} />
    </Env.Provider>
  );
}

interface LevelProps {
  readonly fields: readonly Field[];
  readonly answers: Answers;
  readonly path: Path;
  readonly scope: Scope;
  readonly inline?: boolean;
}

function Level({ fields, answers, path, scope, inline = false }: LevelProps) {
  const shown = fields.filter((field) => scope.shown(field));
  const list = shown.map((field) => (
    <FieldView
      key={field.field_id}
      field={field}
      raw={answers[field.field_id]}
      path={[...path, field.field_id]}
      scope={scope}
    />
  ));
  return inline ? (
    <Group align="start" grow>
      {list}
    </Group>
  ) : (
    <Stack gap="lg">{list}</Stack>
  );
}

interface FieldProps {
  readonly field: Field;
  readonly raw: Value | undefined;
  readonly path: Path;
  readonly scope: Scope;
}

function FieldView({ field, raw, path, scope }: FieldProps) {
  const env = useEnv();
  const { t } = useTranslation();
  const text = pathText(path);
  const several = most(field) > 1;
  const items = several
    ? Array.isArray(raw) && raw.length > 0
      ? (raw as readonly Value[])
      : [undefined]
    : [raw];
  const filled = several && Array.isArray(raw) ? raw.length : 0;
  // what is wrong with one of several answers is told beneath them all
  const issue =
    env.issues.get(text) ??
    (isContainer(field) ? undefined : items.flatMap((_, i) => env.issues.get(`${text}[${i}]`) ?? [])[0]);
  const changed =
    env.before !== null &&
    path.length === 1 &&
    JSON.stringify(env.before[field.field_id]) !== JSON.stringify(raw);
  return (
    <Paper
      role={isContainer(field) ? "group" : undefined}
      className="steelyard-field"
      data-field={text}
      data-kind={kindOf(field)}
      data-issue={issue !== undefined || undefined}
      data-changed={changed || undefined}
      withBorder={isContainer(field)}
      {...(isContainer(field) ? { p: "md" } : {})}
      aria-labelledby={isContainer(field) ? `${text}-title` : undefined}
      onFocus={(event) => {
        event.stopPropagation();
        env.onFocusField(text);
      }}
      {...(several && env.editable ? { onKeyDown: onward } : {})}
    >
      <Stack gap={6}>
        <div>
          <Title
            order={path.length > 1 ? 4 : 3}
            size={isContainer(field) ? "h5" : "sm"}
            fw={600}
            id={`${text}-title`}
          >
            <bdi>{field.title}</bdi>
            {isTrue(field.required) && (
              <Text span c="red" aria-label={t("forms.required")}>
                {" *"}
              </Text>
            )}
          </Title>
          {field.description && (
            <Text
              size="sm"
              c="dimmed"
              id={`${text}-about`}
              style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
            >
              <bdi>{field.description}</bdi>
            </Text>
          )}
          {field.hint && (
            <Text size="xs" c="dimmed" fs="italic">
              <bdi>{field.hint}</bdi>
            </Text>
          )}
        </div>
        {items.map((value, i) => {
          const place = several ? [...path, i] : path;
          return (
            <Group key={pathText(place)} align="start" wrap="nowrap" gap="xs">
              <div data-item={pathText(place)} style={{ flex: 1, minWidth: 0 }}>
                <One field={field} value={value} path={place} scope={scope} n={several ? i + 1 : null} />
              </div>
              {several && env.editable && filled > 0 && (
                <Button
                  size="compact-sm"
                  variant="subtle"
                  color="gray"
                  aria-label={t("forms.removeAnswer", { n: i + 1, title: field.title })}
                  onClick={() => setAt(env.store, place, undefined, "forms.do.remove")}
                >
                  <IconTrash size={15} />
                </Button>
              )}
            </Group>
          );
        })}
        {several && env.editable && filled > 0 && filled < most(field) && (
          <Group>
            <Button
              size="compact-sm"
              variant="light"
              leftSection={<IconPlus size={14} />}
              data-add
              onClick={(event) => {
                const set = event.currentTarget.closest("[data-field]");
                // at once, or what is typed next would still go into the field before
                flushSync(() => setAt(env.store, [...path, filled], blank(field), "forms.do.add"));
                const added = set?.querySelector(`[data-item="${CSS.escape(`${text}[${filled}]`)}"]`);
                fieldsOf(added)[0]?.focus();
              }}
            >
              {most(field) > FEW_TO_COUNT
                ? t("forms.addOne")
                : t("forms.addAnswer", { count: filled, least: least(field), most: most(field) })}
            </Button>
          </Group>
        )}
        {changed && (
          <Text size="xs" c="dimmed" data-earlier style={{ overflowWrap: "anywhere" }}>
            {t(env.editable ? "forms.earlier" : "forms.yours", {
              answer: told(field, env.before?.[field.field_id]) || t("forms.noAnswer"),
            })}
          </Text>
        )}
        {issue !== undefined && (
          <Text size="sm" c="red" role="alert" id={`${text}-issue`}>
            {issue}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}

function One({
  field,
  value,
  path,
  scope,
  n,
}: Omit<FieldProps, "raw"> & { readonly value: Value | undefined; readonly n: number | null }) {
  if (isContainer(field)) {
    const item =
      typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Answers) : {};
    return (
      <Level
        fields={children(field)}
        answers={item}
        path={path}
        scope={scope.inside(field, item)}
        inline={field.inline === true}
      />
    );
  }
  const Widget = WIDGETS[kindOf(field)];
  return Widget === undefined ? null : (
    <Widget
      field={field}
      value={value}
      path={path}
      label={n === null ? field.title : `${field.title} ${n}`}
    />
  );
}

const fieldsOf = (place: Element | null | undefined): HTMLElement[] => [
  ...(place?.querySelectorAll<HTMLElement>("input, textarea, button") ?? []),
];

/** Enter in a line of text leads on to the next field of these answers, and after the last one to one more, as in a table. */
function onward(event: KeyboardEvent<HTMLElement>): void {
  const { currentTarget: set, target, key } = event;
  if (key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.nativeEvent.isComposing || !(target instanceof HTMLInputElement)) return;
  if (!["text", "date", "datetime-local"].includes(target.type)) return;
  event.preventDefault();
  event.stopPropagation();
  const lines = [...set.querySelectorAll<HTMLElement>("[data-item] :is(input, textarea)")];
  const next = lines[lines.indexOf(target) + 1];
  if (next !== undefined) next.focus();
  else [...set.querySelectorAll<HTMLElement>("[data-add]")].at(-1)?.click();
}

/** An answer in words, for telling what it was before. */
function told(field: Field, value: Value | undefined): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.map((one) => told(field, one as Value)).join(", ");
  if (typeof value === "object")
    return Object.entries(value)
      .map(([key, one]) => {
        const inner = children(field).find((f) => f.field_id === key);
        return `${inner?.title ?? key}: ${told(inner ?? field, one as Value)}`;
      })
      .join("; ");
  return options(field).find((option) => option.value === value)?.label ?? String(value);
}

/** An answer that was added and says nothing yet. */
function blank(field: Field): Value {
  return isContainer(field) || kindOf(field) === "time_range"
    ? {}
    : kindOf(field) === "category" || kindOf(field) === "select"
      ? []
      : "";
}

/** Sets the answer at a path of the form as one step of history; letters typed into one field are one step together. */
export function setAt(
  store: DocumentStore,
  path: Path,
  value: Value | undefined,
  label = "forms.do.answer",
  merge?: string,
): void {
  const [top, ...rest] = path;
  store.apply(
    (doc) => {
      const key = String(top);
      const next = setIn(doc.fields[key], rest, value);
      if (JSON.stringify(next) === JSON.stringify(doc.fields[key])) return doc;
      const fields = { ...doc.fields };
      if (next === undefined) delete fields[key];
      else fields[key] = next;
      return { ...doc, fields };
    },
    label,
    undefined,
    merge,
  );
}
