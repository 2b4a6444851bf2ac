/** The tools by name. */

import { ExtentTool, RotatedBoxTool } from "./extent";
import { cutTool, RelateTool, splitTool } from "./knives";
import { PathTool, PointTool } from "./path";
import { SelectTool } from "./select";
import type { Tool, ToolHost } from "./tool";

export type ToolId =
  | "select"
  | "box"
  | "rotated-box"
  | "polygon"
  | "line"
  | "point"
  | "ellipse"
  | "cuboid"
  | "split"
  | "cut"
  | "relate";

const MAKE: Readonly<Record<ToolId, (host: ToolHost) => Tool>> = {
  select: (host) => new SelectTool(host),
  box: (host) => new ExtentTool(host, "box", "box"),
  "rotated-box": (host) => new RotatedBoxTool(host),
  polygon: (host) => new PathTool(host, { id: "polygon", kind: "polygon" }),
  line: (host) => new PathTool(host, { id: "line", kind: "line" }),
  point: (host) => new PointTool(host),
  ellipse: (host) => new ExtentTool(host, "ellipse", "ellipse"),
  cuboid: (host) => new ExtentTool(host, "cuboid", "cuboid"),
  split: splitTool,
  cut: cutTool,
  relate: (host) => new RelateTool(host),
};

export function makeTool(id: ToolId, host: ToolHost): Tool {
  return MAKE[id](host);
}

/** The geometry that a tool draws, if it draws one. */
export function drawsKind(id: ToolId): string | null {
  return id === "rotated-box"
    ? "box"
    : ["box", "polygon", "line", "point", "ellipse", "cuboid"].includes(id)
      ? id
      : null;
}
