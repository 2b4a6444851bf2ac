/** Annotations of the wire ↔ records of the document. What a shape's geometry determines is derived; everything else stays as it came. */

import type { Doc, DocRecord, Link, Value } from "../../document/doc";
import { shapeOf } from "../../shapes";
import { type BoxData, corners, inWholePixels, normalAngle } from "../../shapes/box/box";
import { inPerspective } from "../../shapes/cuboid/camera";
import {
  type Corner,
  type CuboidData,
  cornerMap,
  cuboidOf,
  edgesOf,
  hasSide,
  sideIsRight,
} from "../../shapes/cuboid/cuboid";
import type { EllipseData } from "../../shapes/ellipse/ellipse";
import type { PointData } from "../../shapes/point/point";
import type { PathData } from "../../shapes/polygon/polygon";
import { type Point, tidy, tidyPoint } from "../../shapes/shape";
import { kept } from "./attributes";
import { firstLabel, type ImageConfig, num } from "./config";
import { isObject } from "./labels";

type Given = Readonly<Record<string, unknown>>;

const pointOf = (given: unknown): Point =>
  isObject(given) ? { x: num(given.x) ?? 0, y: num(given.y) ?? 0 } : { x: 0, y: 0 };
const pointsOf = (given: unknown): Point[] => (Array.isArray(given) ? given.map(pointOf) : []);

function some(wire: Given, keys: readonly string[]): { given?: Given } {
  const found = keys.filter((key) => wire[key] !== undefined && wire[key] !== null);
  return found.length > 0 ? { given: Object.fromEntries(found.map((key) => [key, wire[key]])) } : {};
}

/** The geometry of an annotation. */
export function dataOf(kind: string, wire: Given): unknown {
  switch (kind) {
    case "box": {
      const rotation = num(wire.rotation);
      return {
        left: num(wire.left) ?? 0,
        top: num(wire.top) ?? 0,
        width: num(wire.width) ?? 0,
        height: num(wire.height) ?? 0,
        ...(rotation === null ? {} : { rotation }),
        ...some(wire, ["vertices"]),
      } satisfies BoxData;
    }
    case "point":
      return pointOf(wire);
    case "cuboid": {
      const at = new Map<Corner, Point>();
      for (const v of Array.isArray(wire.vertices) ? wire.vertices : [])
        if (isObject(v) && typeof v.description === "string") at.set(v.description as Corner, pointOf(v));
      return { ...cuboidOf(at), ...some(wire, ["vertices", "edges", "points_2d", "points_3d"]) };
    }
    default:
      return { vertices: pointsOf(wire.vertices) };
  }
}

/** The keys of an annotation that are its geometry. */
export function geometryKeys(kind: string, data: unknown, config: ImageConfig): Record<string, unknown> {
  const limits = config.geometries.find((g) => g.kind === kind)?.limits ?? {};
  switch (kind) {
    case "box": {
      const { given, ...b } = data as BoxData;
      const turn = limits.can_rotate ? normalAngle(b.rotation ?? 0) : 0;
      const whole = limits.integer_pixels && !limits.can_rotate ? inWholePixels(b) : b;
      const sides = {
        left: tidy(whole.left),
        top: tidy(whole.top),
        width: tidy(whole.width),
        height: tidy(whole.height),
      };
      if (!limits.can_rotate) return sides;
      const turned = { ...sides, rotation: turn };
      return { ...turned, vertices: given?.vertices ?? corners(turned).map(tidyPoint) };
    }
    case "point": {
      const p = data as PointData;
      return { x: tidy(p.x), y: tidy(p.y) };
    }
    case "cuboid": {
      const c = data as CuboidData;
      if (c.given?.edges) return { ...c.given };
      const round: CuboidData = { vertices: c.vertices.map(tidyPoint) };
      const solved =
        limits.camera && hasSide(round)
          ? inPerspective(limits.camera, cornerMap(round), sideIsRight(round))
          : null;
      return {
        vertices: c.given?.vertices ?? round.vertices.map((v) => ({ ...v, type: "vertex" })),
        edges: edgesOf(round),
        ...(c.given?.points_2d ? { points_2d: c.given.points_2d } : {}),
        ...(c.given?.points_3d ? { points_3d: c.given.points_3d } : {}),
        ...(solved && !c.given
          ? {
              points_2d: solved.points2d.map(tidyPoint),
              points_3d: solved.points3d.map((p) => ({ x: tidy(p.x), y: tidy(p.y), z: tidy(p.z) })),
            }
          : {}),
      };
    }
    default: {
      const path = data as PathData | EllipseData;
      return { vertices: path.vertices.map(({ x, y }) => ({ x: tidy(x), y: tidy(y) })) };
    }
  }
}

/** Prefix of the fields that hold answers about the scene. */
export const SCENE = "global:";

/** A stable identity for a pre-label that has none: the same whenever the same task is opened. */
const placeId = (i: number): string => `00000000-0000-4000-8000-${i.toString(16).padStart(12, "0")}`;

export interface Loaded {
  readonly doc: Doc;
  /** Identities of base annotations. */
  readonly base: ReadonlySet<string>;
}

export function baseIds(config: ImageConfig): Set<string> {
  if (config.rights === null || config.prelabels === null) return new Set();
  return new Set(annotationsOf(config.prelabels).map((a, i) => idOf(a, i)));
}

const annotationsOf = (response: Given): Given[] =>
  Array.isArray(response.annotations) ? response.annotations.filter(isObject) : [];
const idOf = (wire: Given, i: number): string =>
  typeof wire.uuid === "string" && wire.uuid ? wire.uuid : placeId(i);

/** The document of a response; `proposed` marks its annotations as pre-labels to accept or reject. */
export function docOf(response: Given, config: ImageConfig, proposed: boolean): Doc {
  const only = config.geometries.length === 1 ? config.geometries[0]?.kind : undefined;
  const records = annotationsOf(response).flatMap((wire, i): DocRecord[] => {
    const kind = typeof wire.type === "string" ? wire.type : only;
    if (kind === undefined || !config.geometries.some((g) => g.kind === kind)) return [];
    return [
      {
        id: idOf(wire, i),
        kind,
        label: typeof wire.label === "string" ? wire.label : config.labelled ? null : firstLabel(config),
        data: dataOf(kind, wire),
        attributes: isObject(wire.attributes) ? (wire.attributes as Record<string, Value>) : {},
        ...(proposed ? { hypothesis: "proposed" as const } : {}),
      },
    ];
  });
  const globals = isObject(response.global_attributes) ? response.global_attributes : {};
  const links: Link[] = (Array.isArray(response.links) ? response.links : [])
    .filter(isObject)
    .flatMap((l, i) =>
      typeof l.from === "string" && typeof l.to === "string" && typeof l.label === "string"
        ? [
            {
              id: typeof l.uuid === "string" && l.uuid ? l.uuid : placeId(0xf000 + i),
              from: l.from,
              to: l.to,
              label: l.label,
            },
          ]
        : [],
    );
  return {
    records: new Map(records.map((r) => [r.id, r])),
    order: records.map((r) => r.id),
    links,
    fields: Object.fromEntries(Object.entries(globals).map(([key, value]) => [SCENE + key, value as Value])),
  };
}

export function sceneAnswers(doc: Doc): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(doc.fields).flatMap(([key, value]) =>
      key.startsWith(SCENE) ? [[key.slice(SCENE.length), value]] : [],
    ),
  );
}

/** Attribute answers of an annotation as they are sent; a link to an annotation that is gone is no answer. */
export function sentAnswers(
  record: DocRecord,
  doc: Doc,
  config: ImageConfig,
  scene: Given,
): Record<string, Value> {
  const size = shapeOf(record.kind).size(record.data);
  const answers = kept(
    config.attributes,
    record.label,
    record.attributes,
    scene as Record<string, Value>,
    size,
    config.combine,
  );
  for (const a of config.attributes)
    if (
      a.type === "linked" &&
      typeof answers[a.key] === "string" &&
      !doc.records.has(answers[a.key] as string)
    )
      delete answers[a.key];
  return answers;
}

export function responseOf(doc: Doc, config: ImageConfig): Record<string, unknown> {
  const given = sceneAnswers(doc);
  const scene = kept(config.scene, null, given, {}, null, config.combine);
  const { wire } = config;
  const base = baseIds(config);
  const frozen = config.rights !== null && !config.rights.edit;
  // In the order of creation, whatever the drawing order is.
  const records = [...doc.records.values()];
  const annotations = records.map((record) => {
    const data = wire.upward && !(frozen && base.has(record.id)) ? upward(record) : record.data;
    const untouched = frozen && base.has(record.id);
    return {
      ...(wire.identities ? { uuid: record.id, type: record.kind } : {}),
      ...(config.labelled ? { label: record.label } : {}),
      ...(untouched ? frozenKeys(record, config) : geometryKeys(record.kind, data, config)),
      ...attributeKeys(record, doc, config, scene, untouched),
    };
  });
  return {
    annotations,
    ...(wire.globals ? { global_attributes: scene } : {}),
    ...(wire.links
      ? {
          links: doc.links.map(({ id, label, from, to }) => ({
            uuid: id,
            label,
            from,
            to,
            ...bidirectional(label, from, to, doc, config),
          })),
        }
      : {}),
  };
}

function bidirectional(label: string, from: string, to: string, doc: Doc, config: ImageConfig): Given {
  const rules = config.links.get(label) ?? [];
  const [a, b] = [doc.records.get(from)?.label ?? null, doc.records.get(to)?.label ?? null];
  const allowed = (list: readonly string[], l: string | null) =>
    list.length === 0 || (l !== null && list.includes(l));
  const rule = rules.find(
    (r) =>
      (allowed(r.from, a) && allowed(r.to, b)) || (r.bidirectional && allowed(r.from, b) && allowed(r.to, a)),
  );
  return { is_bidirectional: rule?.bidirectional ?? false };
}

/** Annotations that may not be edited are sent back as they were supplied. */
function frozenKeys(record: DocRecord, config: ImageConfig): Given {
  const supplied = annotationsOf(config.prelabels ?? {}).find((a, i) => idOf(a, i) === record.id) ?? {};
  const { uuid: _u, type: _t, label: _l, attributes: _a, ...geometry } = supplied;
  return geometry;
}

function attributeKeys(
  record: DocRecord,
  doc: Doc,
  config: ImageConfig,
  scene: Given,
  untouched: boolean,
): Given {
  if (untouched && Object.keys(record.attributes).length > 0) return { attributes: record.attributes };
  if (config.attributes.length === 0) return config.scene.length > 0 ? { attributes: {} } : {};
  return { attributes: sentAnswers(record, doc, config, scene) };
}

function upward(record: DocRecord): unknown {
  if (record.kind !== "line") return record.data;
  const { vertices } = record.data as PathData;
  const [first, last] = [vertices[0], vertices.at(-1)];
  return first && last && first.y < last.y ? { vertices: [...vertices].reverse() } : record.data;
}
