/** The task-type module of an image type, from nothing but the form of its params. */

import i18next from "i18next";
import { lazy } from "react";
import { overlap } from "../../document/align";
import type { Doc } from "../../document/doc";
import { shapeOf } from "../../shapes";
import { areaOf } from "../../shapes/shape";
import type { EditorProps, Issue, MediaView, TaskTypeModule, WireTask } from "../registry";
import { shown, wrong } from "./attributes";
import type { ImageConfig } from "./config";
import { displayOf, isObject } from "./labels";
import { baseIds, docOf, responseOf, SCENE, sceneAnswers } from "./wire";

const View = lazy(() => import("./ImageEditorView"));

export const mainMedium = (media: readonly MediaView[]): MediaView | undefined =>
  media.find((m) => m.path === "attachment") ?? media.find((m) => m.role === "attachment") ?? media[0];

/** What an earlier version of this program or the server may have wrong about an answer. */
function problems(doc: Doc, config: ImageConfig, media: readonly MediaView[]): Issue[] {
  const found: Issue[] = [];
  const t = i18next.t.bind(i18next);
  const medium = mainMedium(media);
  const scene = sceneAnswers(doc);
  const numbers = new Map([...doc.records.keys()].map((id, i) => [id, i + 1]));
  const frozen = config.rights !== null && !config.rights.edit ? baseIds(config) : new Set<string>();
  for (const record of doc.records.values()) {
    if (frozen.has(record.id)) continue;
    const geometry = config.geometries.find((g) => g.kind === record.kind);
    if (geometry === undefined) continue;
    const shape = shapeOf(record.kind);
    const at = {
      record: record.id,
      where: `${displayOf(config, record.label)} ${numbers.get(record.id) ?? ""}`,
    };
    for (const p of shape.problems(record.data, geometry.limits))
      found.push({ message: t(p.key, p.values), ...at });
    if (
      config.labelled &&
      (record.label === null || !geometry.leaves.some((l) => l.node.name === record.label))
    )
      found.push({ message: t("image.problem.noLabel"), ...at });
    if (medium?.width && medium.height) {
      const b = areaOf(shape.points(record.data));
      const { x, y } = config.padding;
      const slack = 0.5 + 1e-6;
      if (
        b.left < -x - slack ||
        b.top < -y - slack ||
        b.right > medium.width + x + slack ||
        b.bottom > medium.height + y + slack
      )
        found.push({ message: t("image.problem.outside"), ...at });
    }
    const size = shape.size(record.data);
    for (const a of shown(config.attributes, record.label, record.attributes, scene, size, config.combine)) {
      const w = wrong(a, record.attributes[a.key], size);
      if (w) found.push({ message: t(w.key, w.values), ...at });
      const target = record.attributes[a.key];
      if (a.type === "linked" && a.required && typeof target === "string" && !doc.records.has(target))
        found.push({ message: t("image.attribute.missing", { name: a.prompt }), ...at });
    }
  }
  for (const a of shown(config.scene, null, scene, {}, null, config.combine)) {
    const w = wrong(a, scene[a.key], null);
    if (w) found.push({ message: t(w.key, w.values), field: SCENE + a.key });
  }
  const n = doc.records.size;
  if (n < config.count.least)
    found.push({ message: t("image.problem.fewAnnotations", { count: config.count.least }) });
  if (config.count.most !== null && n > config.count.most)
    found.push({ message: t("image.problem.manyAnnotations", { count: config.count.most }) });
  return found;
}

export function imageModule(configOf: (params: WireTask["params"]) => ImageConfig): TaskTypeModule {
  const configs = new WeakMap<object, ImageConfig>();
  const config = (task: WireTask): ImageConfig => {
    let found = configs.get(task.params);
    if (found === undefined) {
      found = configOf(task.params);
      configs.set(task.params, found);
    }
    return found;
  };
  return {
    load: (task, _media, answer) => {
      const c = config(task);
      if (isObject(answer)) return docOf(answer, c, false);
      return docOf(c.prelabels ?? {}, c, c.prelabels !== null && c.rights === null);
    },
    // biome-ignore lint/correctness/noComponentHookFactories: made once for each type, when its folder is loaded
    Editor: (props: EditorProps) => <View {...props} config={config(props.task)} />,
    check: (doc, task, media) => problems(doc, config(task), media),
    buildResponse: (doc, task) => responseOf(doc, config(task)),
    likeness: (a, b) => {
      const [x, y] = [shapeOf(a.kind).bounds(a.data), shapeOf(b.kind).bounds(b.data)];
      return overlap([x.left, x.right], [y.left, y.right]) * overlap([x.top, x.bottom], [y.top, y.bottom]);
    },
    showsBefore: true,
  };
}
