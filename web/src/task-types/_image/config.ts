/** What the params of an image task ask, in one form for all image types. A type's folder turns its params into it. */

import type { Camera, Limits } from "../../shapes/shape";
import { type Attribute, attributesOf, type Combine } from "./attributes";
import { isObject, type LabelNode, type Leaf, labelTree, leavesOf } from "./labels";

type Given = Readonly<Record<string, unknown>>;

export interface GeometryConfig {
  readonly kind: string;
  readonly limits: Limits;
  readonly labels: readonly LabelNode[];
  readonly leaves: readonly Leaf[];
}

export interface LinkRule {
  readonly bidirectional: boolean;
  readonly from: readonly string[];
  readonly to: readonly string[];
}

export interface Connection {
  readonly pair: readonly [string, string];
  readonly attribute: string | null;
}

export interface Rights {
  readonly add: boolean;
  readonly edit: boolean;
  readonly relabel: boolean;
  readonly remove: boolean;
}

export interface ImageConfig {
  readonly geometries: readonly GeometryConfig[];
  readonly attributes: readonly Attribute[];
  readonly scene: readonly Attribute[];
  readonly combine: Combine;
  readonly links: ReadonlyMap<string, readonly LinkRule[]>;
  readonly connections: readonly Connection[];
  readonly padding: { readonly x: number; readonly y: number };
  /** What may be done to base annotations; null when there are none. */
  readonly rights: Rights | null;
  /** Pre-labels in the form of a response: base annotations or hypothesis. */
  readonly prelabels: Given | null;
  readonly layers: readonly { readonly kind: string; readonly wire: Given }[];
  /** False when annotations carry no label. */
  readonly labelled: boolean;
  readonly count: { readonly least: number; readonly most: number | null };
  readonly wire: WireForm;
}

/** How a type writes its answers. */
export interface WireForm {
  readonly identities: boolean;
  readonly links: boolean;
  /** `global_attributes` is written: always, or only where global attributes are declared. */
  readonly globals: boolean;
  /** Lines run from the bottom of the image to the top. */
  readonly upward: boolean;
}

export const num = (value: unknown): number | null => {
  const found = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof found === "number" && Number.isFinite(found) ? found : null;
};
export const yes = (value: unknown): boolean | null =>
  value === true || value === "true" ? true : value === false || value === "false" ? false : null;
const strings = (value: unknown): string[] =>
  typeof value === "string"
    ? [value]
    : Array.isArray(value)
      ? value.filter((v) => typeof v === "string")
      : [];

function cameraOf(given: Given): Camera | null {
  const k = given.camera_intrinsics;
  const q = given.camera_rotation_quaternion;
  const height = num(given.camera_height);
  // The three are meant to be used together; with one missing the service behaves as if none were given.
  if (!isObject(k) || !isObject(q) || height === null) return null;
  const [fx, fy, cx, cy] = [num(k.fx), num(k.fy), num(k.cx), num(k.cy)];
  const [w, x, y, z] = [num(q.w), num(q.x), num(q.y), num(q.z)];
  if (
    fx === null ||
    fy === null ||
    cx === null ||
    cy === null ||
    w === null ||
    x === null ||
    y === null ||
    z === null
  )
    return null;
  const scale = num(k.scalefactor) ?? num(k.scale_factor) ?? 1;
  return {
    fx: fx / scale,
    fy: fy / scale,
    cx: cx / scale,
    cy: cy / scale,
    skew: (num(k.skew) ?? 0) / scale,
    rotation: { w, x, y, z },
    height,
  };
}

export function limitsOf(given: Given): Limits {
  return {
    min_width: num(given.min_width),
    min_height: num(given.min_height),
    max_width: num(given.max_width),
    max_height: num(given.max_height),
    min_vertices: num(given.min_vertices),
    max_vertices: num(given.max_vertices) ?? num(given.max_vertives),
    can_rotate: yes(given.can_rotate),
    integer_pixels: yes(given.integer_pixels),
    splines: yes(given.splines),
    can_snap: yes(given.can_snap),
    camera: cameraOf(given),
  };
}

export function geometryOf(kind: string, given: Given): GeometryConfig {
  const labels = labelTree(given.objects_to_annotate);
  return { kind, limits: limitsOf(given), labels, leaves: leavesOf(labels) };
}

export const KINDS = ["box", "polygon", "line", "point", "cuboid", "ellipse"] as const;
const LAYERS: Readonly<Record<string, string>> = {
  boxes: "box",
  polygons: "polygon",
  lines: "line",
  points: "point",
  cuboids: "cuboid",
  ellipses: "ellipse",
};

function linksOf(given: unknown): Map<string, LinkRule[]> {
  if (!isObject(given)) return new Map();
  return new Map(
    Object.entries(given).map(([label, rules]) => [
      label,
      (Array.isArray(rules) ? rules : [rules]).filter(isObject).map((rule) => ({
        bidirectional: yes(rule.is_bidirectional) === true,
        from: strings(rule.from_allowed_labels),
        to: strings(rule.to_allowed_labels),
      })),
    ]),
  );
}

/** The rule by which a link may go from one label to another, either way when bidirectional. */
export function linkRule(
  rules: readonly LinkRule[],
  from: string | null,
  to: string | null,
): LinkRule | null {
  const fits = (allowed: readonly string[], label: string | null) =>
    allowed.length === 0 || (label !== null && allowed.includes(label));
  return (
    rules.find(
      (rule) =>
        (fits(rule.from, from) && fits(rule.to, to)) ||
        (rule.bidirectional && fits(rule.from, to) && fits(rule.to, from)),
    ) ?? null
  );
}

function connectionsOf(given: unknown): Connection[] {
  if (!isObject(given) || !Array.isArray(given.connections)) return [];
  return given.connections.filter(isObject).flatMap((c): Connection[] => {
    const [a, b] = strings(c.pair);
    if (a === undefined || b === undefined) return [];
    return [
      { pair: [a, b], attribute: typeof c.connection_attribute === "string" ? c.connection_attribute : null },
    ];
  });
}

export const MODERN: WireForm = { identities: true, links: true, globals: true, upward: false };

export function imageConfig(
  params: Given,
  geometries: readonly GeometryConfig[],
  more: Partial<Pick<ImageConfig, "labelled" | "count" | "wire">> = {},
): ImageConfig {
  const all = attributesOf(params.annotation_attributes);
  const base = isObject(params.base_annotations) ? params.base_annotations : null;
  const edit = yes(params.can_edit_base_annotations) !== false;
  const both = num(params.padding) ?? 0;
  const layers = isObject(params.layers) ? params.layers : {};
  return {
    geometries: geometries.filter((g) => g.leaves.length > 0),
    attributes: all.filter((a) => !a.global),
    scene: all.filter((a) => a.global),
    combine: params.condition_mode === "and" ? "and" : "or",
    links: linksOf(params.links),
    connections: connectionsOf(isObject(params.geometries) ? params.geometries.point : null),
    padding: { x: num(params.paddingX) ?? both, y: num(params.paddingY) ?? both },
    rights:
      base === null
        ? null
        : {
            add: yes(params.can_add_base_annotations) !== false,
            edit,
            relabel: yes(params.can_edit_base_annotation_labels) ?? edit,
            remove: yes(params.can_delete_base_annotations) !== false,
          },
    prelabels: base ?? (isObject(params.hypothesis) ? params.hypothesis : null),
    layers: Object.entries(LAYERS).flatMap(([name, kind]) => {
      const items = layers[name];
      return Array.isArray(items) ? items.filter(isObject).map((wire) => ({ kind, wire })) : [];
    }),
    labelled: more.labelled ?? true,
    count: more.count ?? { least: 0, most: null },
    wire: more.wire ?? MODERN,
  };
}

/** The params of `imageannotation`. */
export function modernConfig(params: Given, wire: WireForm = MODERN): ImageConfig {
  const given = isObject(params.geometries) ? params.geometries : {};
  const geometries = KINDS.flatMap((kind) => {
    const one = given[kind];
    return isObject(one) ? [geometryOf(kind, one)] : [];
  });
  return imageConfig(params, geometries, { wire });
}

/** The params of a legacy type: one geometry, its settings at the top level, `with_labels` and counts. */
export function legacyConfig(params: Given, kind: string): ImageConfig {
  const labelled = yes(params.with_labels) !== false;
  const found = geometryOf(kind, params);
  const one =
    found.leaves.length > 0 ? found : geometryOf(kind, { ...params, objects_to_annotate: "object" });
  const attributes = attributesOf(params.annotation_attributes);
  const identities =
    yes(params.legacy_annotation_ids) === true ||
    attributes.some((a) => a.type === "linked") ||
    isObject(params.base_annotations);
  return imageConfig(params, [one], {
    labelled,
    count: { least: num(params.min_annotations) ?? 0, most: num(params.max_annotations) || null },
    wire: { identities, links: false, globals: attributes.some((a) => a.global), upward: false },
  });
}

export function firstLabel(config: ImageConfig): string {
  return config.geometries[0]?.leaves[0]?.node.name ?? "object";
}
