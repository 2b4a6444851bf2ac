/** One attribute as a form field, for annotations and for the scene. */

import {
  Button,
  Checkbox,
  Group,
  NumberInput,
  Radio,
  Select,
  Slider,
  Stack,
  Text,
  Textarea,
} from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Value } from "../../document/doc";
import { type Attribute, answered, type Size } from "./attributes";
import styles from "./image.module.css";
import { type Leaf, leavesOf } from "./labels";

interface Props {
  readonly attribute: Attribute;
  readonly value: Value | undefined;
  readonly size: Size;
  readonly error: string | null;
  readonly readOnly: boolean;
  readonly onChange: (value: Value | undefined) => void;
  /** For `linked`: how the target is called, and starting to choose one. */
  readonly targetName?: (id: string) => string;
  readonly onPick?: () => void;
}

/** With more choices than this a list opens instead of standing there. */
const FEW = 6;

/** A question with its state for the keys that lead from one to the next (`questions.ts`). */
export function AttributeField(props: Props) {
  const state = props.error !== null ? "wrong" : answered(props.value) ? "done" : "open";
  return (
    <div data-question={state}>
      <Field {...props} />
    </div>
  );
}

function Field({ attribute: a, value, size, error, readOnly, onChange, targetName, onPick }: Props) {
  const { t } = useTranslation();
  const label = (
    <>
      {a.prompt}
      {a.required && (
        <Text component="span" c="red" inherit aria-hidden="true">
          {" "}
          *
        </Text>
      )}
    </>
  );
  const common = { label, error, disabled: readOnly, size: "xs" as const };
  const choices = leavesOf(a.choices);
  if (a.type === "category" && a.multiple) {
    const chosen = Array.isArray(value) ? value.map(String) : [];
    return (
      <Checkbox.Group
        {...common}
        value={chosen}
        onChange={(next) => {
          const ordered = a.leaves.filter((leaf) => next.includes(leaf));
          onChange(ordered.length > 0 ? ordered : undefined);
        }}
      >
        <Stack gap={5} mt={4}>
          {choices.map(({ node, path }, i) => (
            <Checkbox
              key={node.name}
              size="xs"
              value={node.name}
              label={<Option path={path} node={node} at={i} />}
              disabled={readOnly}
            />
          ))}
        </Stack>
      </Checkbox.Group>
    );
  }
  if (a.type === "category" && choices.length <= FEW)
    return (
      <Radio.Group
        {...common}
        value={typeof value === "string" ? value : ""}
        onChange={(next) => onChange(next)}
      >
        <Group gap="sm" mt={4}>
          {choices.map(({ node, path }, i) => (
            <Radio
              key={node.name}
              size="xs"
              value={node.name}
              label={<Option path={path} node={node} at={i} />}
              disabled={readOnly}
              onClick={() => {
                if (value === node.name && !a.required) onChange(undefined);
              }}
            />
          ))}
        </Group>
      </Radio.Group>
    );
  if (a.type === "category")
    return (
      <Select
        {...common}
        searchable
        clearable={!a.required}
        value={typeof value === "string" ? value : null}
        data={choices.map(({ node, path }) => ({
          value: node.name,
          label: [...path, node.display].join(" › "),
        }))}
        onChange={(next) => onChange(next ?? undefined)}
      />
    );
  if (a.type === "text")
    return (
      <Textarea
        {...common}
        autosize
        minRows={1}
        maxRows={6}
        value={typeof value === "string" ? value : ""}
        onChange={(event) => onChange(event.currentTarget.value || undefined)}
      />
    );
  if (a.type === "linked") {
    const target = typeof value === "string" ? value : null;
    return (
      <Stack gap={4}>
        <Text size="xs" fw={500}>
          {label}
        </Text>
        <Group gap={6}>
          <Text size="xs" c={target === null ? "dimmed" : undefined} style={{ flex: 1 }}>
            {target === null ? t("image.noTarget") : (targetName?.(target) ?? target)}
          </Text>
          {onPick && !readOnly && (
            <Button size="compact-xs" variant="default" onClick={onPick}>
              {t("image.pickTarget")}
            </Button>
          )}
          {target !== null && !readOnly && (
            <Button size="compact-xs" variant="subtle" color="gray" onClick={() => onChange(undefined)}>
              {t("image.clear")}
            </Button>
          )}
        </Group>
        {error && (
          <Text size="xs" c="red">
            {error}
          </Text>
        )}
      </Stack>
    );
  }
  const [low, high] = bounds(a, size);
  const now = typeof value === "number" ? value : "";
  return (
    <Stack gap={4}>
      <NumberInput
        {...common}
        value={now}
        min={low}
        {...(high === undefined ? {} : { max: high })}
        step={a.type === "number" ? a.step : 1}
        clampBehavior="none"
        suffix={a.type === "angle" ? "°" : a.type === "number" ? "" : " px"}
        onChange={(next) => onChange(typeof next === "number" ? next : undefined)}
      />
      {high !== undefined && a.type !== "number" && (
        <Slider
          size="xs"
          mx={8}
          label={null}
          thumbLabel={a.prompt}
          min={0}
          max={high}
          step={a.type === "angle" ? 1 : 0.1}
          value={typeof now === "number" ? now : 0}
          disabled={readOnly}
          onChange={(next) => onChange(next)}
        />
      )}
    </Stack>
  );
}

/** A choice with the digit that picks it while the question is at hand. */
function Option({ path, node, at }: Leaf & { readonly at: number }) {
  return (
    <>
      {[...path, node.display].join(" › ")}
      {at < 10 && (
        <span className={styles.digit} aria-hidden="true">
          {(at + 1) % 10}
        </span>
      )}
    </>
  );
}

function bounds(a: Attribute, size: Size): [number | undefined, number | undefined] {
  if (a.type === "angle") return [0, 360];
  if (a.type === "x_line") return [0, Math.floor((size?.width ?? 0) * 10) / 10];
  if (a.type === "y_line") return [0, Math.floor((size?.height ?? 0) * 10) / 10];
  return [a.min ?? undefined, a.max ?? undefined];
}
