/** The narrow column of tools, each with its key. */

import { Tooltip } from "@mantine/core";
import {
  IconArrowsJoin,
  IconBox,
  IconCircleDot,
  IconCut,
  IconEaseInOutControlPoints,
  IconFocusCentered,
  IconLine,
  IconLink,
  IconOval,
  IconPointer,
  IconPolygon,
  IconRectangle,
  IconRotateClockwise,
  IconSlice,
  IconTiltShift,
  IconZoomIn,
  IconZoomOut,
} from "@tabler/icons-react";
import { type ComponentType, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { Surface } from "../../canvas2d/surface";
import { useKeys } from "../../commands/useKeys";
import type { ToolId } from "../../tools";
import { mergeRecords } from "../../tools/knives";
import { fitView, rotateView, TOOL_KEYS } from "./commands";
import type { ImageEditor } from "./editor";
import styles from "./image.module.css";

const ICONS: Readonly<Record<ToolId, ComponentType<{ size: number; stroke: number }>>> = {
  select: IconPointer,
  box: IconRectangle,
  "rotated-box": IconTiltShift,
  polygon: IconPolygon,
  line: IconLine,
  point: IconCircleDot,
  ellipse: IconOval,
  cuboid: IconBox,
  split: IconSlice,
  cut: IconCut,
  relate: IconLink,
};

export function ToolRail({ editor, surface }: { editor: ImageEditor; surface: Surface | null }) {
  const { t } = useTranslation();
  useSyncExternalStore(editor.subscribe, editor.snapshot);
  const offered = editor.offered();
  const keysOf = useKeys();
  const splines = editor.limits("line").splines === true;
  const button = (
    id: string,
    name: string,
    [command, usual]: readonly [id: string, usual: string],
    Icon: ComponentType<{ size: number; stroke: number }>,
    run: () => void,
    more: { pressed?: boolean } = {},
  ) => {
    const key = keysOf(command, usual);
    return (
      <Tooltip
        key={id}
        label={key === "" ? name : `${name} · ${key}`}
        position="right"
        openDelay={250}
        withinPortal
      >
        <button
          type="button"
          className={styles.tool}
          aria-label={name}
          {...(key === "" ? {} : { "aria-keyshortcuts": key.replace("Ctrl", "Control") })}
          {...(more.pressed === undefined ? {} : { "aria-pressed": more.pressed })}
          onClick={run}
        >
          <Icon size={19} stroke={1.7} />
          {key.length === 1 && <kbd>{key}</kbd>}
        </button>
      </Tooltip>
    );
  };
  return (
    <div className={styles.rail} role="toolbar" aria-orientation="vertical" aria-label={t("image.tools")}>
      {offered.map((id) =>
        button(
          id,
          t(`command.image.tool.${id}`),
          [`image.tool.${id}`, TOOL_KEYS[id]],
          id === "line" && splines ? IconEaseInOutControlPoints : ICONS[id],
          () => editor.setTool(id),
          { pressed: editor.state.tool === id },
        ),
      )}
      {offered.includes("polygon") &&
        button("merge", t("command.image.merge"), ["image.merge", "M"], IconArrowsJoin, () => {
          const reason = mergeRecords(editor, [...editor.selection]);
          if (reason !== null) editor.tell({ key: reason, tone: "reason" });
        })}
      <div className={styles.railGap} />
      {button("fit", t("command.image.fit"), ["image.fit", "Shift+1"], IconFocusCentered, () =>
        fitView(editor, surface),
      )}
      {button("in", t("command.image.zoomIn"), ["image.zoomIn", "+"], IconZoomIn, () => zoom(surface, 1.25))}
      {button("out", t("command.image.zoomOut"), ["image.zoomOut", "-"], IconZoomOut, () =>
        zoom(surface, 0.8),
      )}
      {button(
        "turn",
        t("command.image.rotateView"),
        ["image.rotateView", "Alt+Shift+R"],
        IconRotateClockwise,
        () => rotateView(editor, surface),
      )}
    </div>
  );
}

function zoom(surface: Surface | null, factor: number): void {
  surface?.look(surface.viewport.zoomed(factor, { x: surface.size.width / 2, y: surface.size.height / 2 }));
}
