/** Below the canvas: where the pointer is, zoom, and how the picture and the shapes are shown. */

import { ActionIcon, Group, Popover, Slider, Stack, Switch, Text, Tooltip } from "@mantine/core";
import { IconAdjustments, IconCrosshair } from "@tabler/icons-react";
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { Surface } from "../../canvas2d/surface";
import { useKeys } from "../../commands/useKeys";
import type { ImageEditor } from "./editor";
import styles from "./image.module.css";
import { DIFFERENCE } from "./scene";
import { useNowAndThen, useViewport } from "./useNowAndThen";

interface Props {
  readonly editor: ImageEditor;
  readonly surface: Surface | null;
  readonly hasBefore: boolean;
}

export function StatusBar({ editor, hasBefore }: Props) {
  const { t } = useTranslation();
  const state = useSyncExternalStore(editor.subscribe, editor.snapshot);
  const { picture } = editor;
  const crosshair = useKeys()("image.crosshair", "J");
  return (
    <div className={styles.status}>
      <span className={styles.muted} dir="ltr">
        {picture.width > 0 ? `${picture.width} × ${picture.height}` : "…"}
      </span>
      <Position editor={editor} />
      {hasBefore && (
        <Group gap={10} wrap="nowrap" className={styles.legend ?? ""}>
          {(["added", "changed", "removed"] as const).map((status) => (
            <Group gap={4} key={status} wrap="nowrap" style={{ flex: "none" }}>
              <span className={styles.swatch} style={{ background: DIFFERENCE[status] }} />
              <Text size="xs">{t(`image.difference.${status}`)}</Text>
            </Group>
          ))}
          <Text size="xs" className={styles.muted ?? ""} truncate>
            {t("image.holdForBefore")}
          </Text>
        </Group>
      )}
      <span className={styles.push} />
      <Tooltip label={[t("command.image.crosshair"), crosshair].filter(Boolean).join(" · ")}>
        <ActionIcon
          size={26}
          variant={state.crosshair ? "light" : "subtle"}
          color={state.crosshair ? undefined : "gray"}
          aria-label={t("command.image.crosshair")}
          aria-pressed={state.crosshair}
          onClick={() => editor.set({ crosshair: !state.crosshair })}
        >
          <IconCrosshair size={16} />
        </ActionIcon>
      </Tooltip>
      <Popover position="top-end" withArrow trapFocus width={260}>
        <Popover.Target>
          <ActionIcon size={26} variant="subtle" color="gray" aria-label={t("image.appearance")}>
            <IconAdjustments size={16} />
          </ActionIcon>
        </Popover.Target>
        <Popover.Dropdown>
          <Stack gap="xs">
            {(
              [
                ["brightness", 20, 300],
                ["contrast", 20, 300],
                ["opacity", 0, 100],
              ] as const
            ).map(([key, min, max]) => (
              <div key={key}>
                <Text size="xs" fw={500} mb={6}>
                  {t(`image.${key}`)} · {state[key]} %
                </Text>
                <Slider
                  size="sm"
                  label={null}
                  thumbLabel={t(`image.${key}`)}
                  min={min}
                  max={max}
                  step={5}
                  value={state[key]}
                  onChange={(value) => editor.set({ [key]: value })}
                  onDoubleClick={() => editor.set({ [key]: key === "opacity" ? 25 : 100 })}
                />
              </div>
            ))}
            {editor.config.layers.length > 0 && (
              <Switch
                size="xs"
                label={t("image.layers")}
                checked={state.layersShown}
                onChange={(event) => editor.set({ layersShown: event.currentTarget.checked })}
              />
            )}
          </Stack>
        </Popover.Dropdown>
      </Popover>
      <Zoom editor={editor} />
    </div>
  );
}

function Position({ editor }: { readonly editor: ImageEditor }) {
  const text = useNowAndThen(editor.subscribe, () =>
    editor.cursor === null ? "" : `${Math.round(editor.cursor.x)}, ${Math.round(editor.cursor.y)}`,
  );
  return (
    <span
      className={styles.muted}
      dir="ltr"
      style={{ flex: "0 1 84px", minWidth: 0 }}
      data-testid="image-position"
    >
      {text}
    </span>
  );
}

function Zoom({ editor }: { readonly editor: ImageEditor }) {
  const { scale } = useViewport(editor);
  return (
    <span dir="ltr" style={{ minWidth: 48, textAlign: "end" }} data-testid="image-zoom">
      {formatZoom(scale)}
    </span>
  );
}

const formatZoom = (scale: number): string =>
  `${scale >= 0.1 ? Math.round(scale * 100) : Math.round(scale * 1000) / 10} %`;
