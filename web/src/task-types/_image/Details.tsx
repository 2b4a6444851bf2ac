/** What is selected: label, attributes, relations, remarks; with nothing selected the questions about the whole scene. */

import { ActionIcon, Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { type DocRecord, removeLink, type Value } from "../../document/doc";
import { shapeOf } from "../../shapes";
import type { Remark } from "../registry";
import { AttributeField } from "./AttributeField";
import { answered, shown, wrong } from "./attributes";
import type { ImageEditor } from "./editor";
import styles from "./image.module.css";
import { displayOf } from "./labels";
import * as op from "./operations";
import { useNowAndThen } from "./useNowAndThen";
import { sceneAnswers } from "./wire";

interface Props {
  readonly editor: ImageEditor;
  readonly remarks: readonly Remark[];
  readonly onRemark: ((remark: Remark) => void) | undefined;
  /** Whether missing answers are told: after somebody has tried to submit. */
  readonly strict: boolean;
}

export function Details({ editor, remarks, onRemark, strict }: Props) {
  const { t } = useTranslation();
  useSyncExternalStore(editor.subscribe, editor.content);
  const records = [...editor.selection].flatMap((id) => editor.doc.records.get(id) ?? []);
  if (records.length === 0) return <SceneQuestions editor={editor} strict={strict} />;
  const [first] = records;
  const one = records.length === 1 ? first : undefined;
  const attributes = op.commonAttributes(editor, records);
  const numberOf = (id: string) => [...editor.doc.records.keys()].indexOf(id) + 1;
  const nameOf = (id: string) =>
    `${displayOf(editor.config, editor.doc.records.get(id)?.label ?? null)} ${numberOf(id)}`;
  const reason = one === undefined ? null : editor.whyNot("edit", one.id);
  const links = one ? editor.doc.links.filter((l) => l.from === one.id || l.to === one.id) : [];
  return (
    <section className={`${styles.section} ${styles.details}`} aria-labelledby="image-details">
      <div className={styles.head}>
        <h3 id="image-details">{one ? nameOf(one.id) : t("image.selected", { count: records.length })}</h3>
        {!editor.readOnly && (
          <ActionIcon
            size={24}
            variant="subtle"
            color="gray"
            aria-label={t("command.image.delete")}
            onClick={() => op.remove(editor)}
          >
            <IconTrash size={15} />
          </ActionIcon>
        )}
      </div>
      <div className={`${styles.scroll} ${styles.body}`} data-questions>
        {one && <Measures key={one.id} editor={editor} id={one.id} />}
        {reason !== null && (
          <Text size="xs" c="dimmed">
            {t(reason)}
          </Text>
        )}
        {one?.hypothesis === "proposed" && !editor.readOnly && (
          <Group gap={6}>
            <Text size="xs" style={{ flex: 1 }}>
              {t("image.proposed")}
            </Text>
            <Button size="compact-xs" color="green" onClick={() => op.accept(editor, [one.id])}>
              {t("image.accept")}
            </Button>
            <Button size="compact-xs" color="red" variant="light" onClick={() => op.reject(editor, [one.id])}>
              {t("image.reject")}
            </Button>
          </Group>
        )}
        {attributes.map((a) => {
          const values = records.map((r) => r.attributes[a.key]);
          const same = values.every((v) => JSON.stringify(v) === JSON.stringify(values[0]));
          const size = one ? shapeOf(one.kind).size(one.data) : null;
          const value = same ? values[0] : undefined;
          return (
            <AttributeField
              key={`${one?.id ?? "several"}:${a.key}`}
              attribute={a}
              value={value}
              size={size}
              error={errorOf(value, wrong(a, value, size), strict && one !== undefined, t)}
              readOnly={editor.readOnly || reason !== null}
              onChange={(next) => op.answer(editor, editor.selection, a.key, next)}
              targetName={nameOf}
              {...(one && a.type === "linked" ? { onPick: () => editor.setTool("relate") } : {})}
            />
          );
        })}
        {links.map((link) => (
          <div key={link.id} className={styles.link}>
            <Text size="xs" style={{ flex: 1 }}>
              {link.label} {link.from === one?.id ? "→" : "←"}{" "}
              {nameOf(link.from === one?.id ? link.to : link.from)}
            </Text>
            {!editor.readOnly && (
              <ActionIcon
                size={22}
                variant="subtle"
                color="gray"
                aria-label={t("image.removeRelation", { name: link.label })}
                onClick={() => editor.apply(removeLink(link.id), "image.step.unrelate")}
              >
                <IconTrash size={13} />
              </ActionIcon>
            )}
          </div>
        ))}
        {one && <Remarks record={one} remarks={remarks} onRemark={onRemark} />}
        {one && attributes.length === 0 && links.length === 0 && !onRemark && reason === null && (
          <Text size="xs" c="dimmed">
            {t("image.noQuestions")}
          </Text>
        )}
      </div>
    </section>
  );
}

type Translate = (key: string, values?: Record<string, unknown>) => string;

function errorOf(
  value: Value | undefined,
  found: ReturnType<typeof wrong>,
  strict: boolean,
  t: Translate,
): string | null {
  return found !== null && (strict || answered(value)) ? t(found.key, found.values) : null;
}

/** Follows a gesture while it lasts, unlike what is around it. */
function Measures({ editor, id }: { editor: ImageEditor; id: string }) {
  const { t } = useTranslation();
  const record = useNowAndThen(editor.subscribe, () => editor.live(id));
  if (record === undefined) return null;
  const b = shapeOf(record.kind).bounds(record.data);
  const round = (v: number) => Math.round(v * 10) / 10;
  const vertices = (record.data as { vertices?: readonly unknown[] }).vertices;
  const path = record.kind === "polygon" || record.kind === "line";
  return (
    <Text size="xs" c="dimmed" style={{ fontVariantNumeric: "tabular-nums" }} dir="ltr">
      {round(b.left)}, {round(b.top)}
      {record.kind !== "point" && ` · ${round(b.right - b.left)} × ${round(b.bottom - b.top)} px`}
      {path && ` · ${t("image.vertices", { count: vertices?.length ?? 0 })}`}
    </Text>
  );
}

function SceneQuestions({ editor, strict }: { editor: ImageEditor; strict: boolean }) {
  const { t } = useTranslation();
  const answers = sceneAnswers(editor.doc);
  const attributes = shown(editor.config.scene, null, answers, {}, null, editor.config.combine);
  if (attributes.length === 0) return null;
  return (
    <section className={`${styles.section} ${styles.details}`} aria-labelledby="image-scene">
      <div className={styles.head}>
        <h3 id="image-scene">{t("image.scene")}</h3>
      </div>
      <div className={`${styles.scroll} ${styles.body}`} data-questions>
        {attributes.map((a) => (
          <AttributeField
            key={a.key}
            attribute={a}
            value={answers[a.key]}
            size={null}
            error={errorOf(answers[a.key], wrong(a, answers[a.key], null), strict, t)}
            readOnly={editor.readOnly}
            onChange={(next) => op.answerScene(editor, a.key, next)}
          />
        ))}
      </div>
    </section>
  );
}

function Remarks({
  record,
  remarks,
  onRemark,
}: {
  record: DocRecord;
  remarks: readonly Remark[];
  onRemark: Props["onRemark"];
}) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const own = remarks.filter((r) => r.annotation_id === record.id);
  if (own.length === 0 && onRemark === undefined) return null;
  const add = () => {
    if (text.trim() === "" || onRemark === undefined) return;
    onRemark({ annotation_id: record.id, text: text.trim() });
    setText("");
  };
  return (
    <Stack gap={6}>
      <Text size="xs" fw={600}>
        {t("image.remarks")}
      </Text>
      {own.map((remark, i) => (
        <Text size="xs" key={remark.id ?? `${i} ${remark.text}`}>
          {remark.author && <strong>{remark.author}: </strong>}
          {remark.text}
        </Text>
      ))}
      {onRemark && (
        <Group gap={6} align="end">
          <Textarea
            size="xs"
            autosize
            minRows={1}
            style={{ flex: 1 }}
            aria-label={t("image.addRemark")}
            placeholder={t("image.addRemark")}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button size="compact-sm" variant="default" onClick={add} disabled={text.trim() === ""}>
            {t("image.add")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
