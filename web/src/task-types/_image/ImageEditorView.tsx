/** Lays out the image editor: tools, canvas, labels, objects, details. */

import { Button, Group, Modal, Stack } from "@mantine/core";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { Surface } from "../../canvas2d/surface";
import { questionKeys, toQuestion } from "../questions";
import type { EditorProps } from "../registry";
import { Canvas } from "./Canvas";
import { Context } from "./Context";
import { canvasCommands, imageCommands, showSelection } from "./commands";
import type { ImageConfig } from "./config";
import { Details } from "./Details";
import { ImageEditor } from "./editor";
import styles from "./image.module.css";
import { Labels } from "./Labels";
import { mainMedium } from "./module";
import { Objects } from "./Objects";
import { relateAs, relationName } from "./relating";
import { StatusBar } from "./StatusBar";
import { Scene } from "./scene";
import { ToolRail } from "./ToolRail";

export default function ImageEditorView(props: EditorProps & { readonly config: ImageConfig }) {
  const { media, store, mode, before, remarks, issues, pointed, onRemark, registerCommands, memory, config } =
    props;
  const { t } = useTranslation();
  const medium = useMemo(() => mainMedium(media), [media]);
  const readOnly = mode === "view" || mode === "audit";
  const [editor, setEditor] = useState<ImageEditor | null>(null);
  const [surface, setSurface] = useState<Surface | null>(null);
  const [focused, setFocused] = useState(false);
  const [, setSize] = useState({ width: 0, height: 0 });
  const search = useRef<HTMLInputElement>(null);
  const [searching, setSearching] = useState(false);
  const side = useRef<HTMLElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const order = useRef<readonly string[]>([]);
  const panning = useRef<(on: boolean) => void>(() => undefined);
  const surfaceNow = useRef<Surface | null>(null);
  surfaceNow.current = surface;

  useEffect(() => {
    const made = new ImageEditor({
      store,
      config,
      picture: { width: medium?.width ?? 0, height: medium?.height ?? 0 },
      readOnly,
      memory,
    });
    setEditor(made);
    return () => made.dispose();
  }, [store, config, medium, readOnly, memory]);

  const context = useMemo(
    () =>
      editor && {
        editor,
        surface: () => surfaceNow.current,
        searchLabels: () => {
          setSearching(true);
          search.current?.focus();
        },
        questions: () => toQuestion(side.current, "open"),
        hasBefore: before !== null,
      },
    [editor, before],
  );
  useEffect(
    () => (context ? registerCommands(imageCommands(context)) : undefined),
    [context, registerCommands],
  );
  useEffect(
    () =>
      context && focused
        ? registerCommands(
            canvasCommands(
              context,
              () => order.current,
              (on) => panning.current(on),
            ),
          )
        : undefined,
    [context, focused, registerCommands],
  );

  const scene = useMemo(() => editor && new Scene(editor, before, () => undefined), [editor, before]);
  const show = useCallback(() => {
    if (editor !== null) showSelection(editor, surfaceNow.current, true);
  }, [editor]);
  const backToCanvas = useCallback(
    () => stage.current?.querySelector<HTMLElement>("[role=application]")?.focus(),
    [],
  );

  // Keys work on the picture from the beginning, and in the next task as in the one before.
  const opened = editor !== null && scene !== null;
  useEffect(() => {
    if (opened && !readOnly && document.activeElement === document.body) backToCanvas();
  }, [opened, readOnly, backToCanvas]);
  useEffect(() => {
    if (!pointed || editor === null) return undefined;
    const { record, field } = pointed.issue;
    if (record === undefined && field === undefined) return undefined;
    editor.select(record !== undefined && editor.doc.records.has(record) ? [record] : []);
    show();
    const frame = requestAnimationFrame(() => toQuestion(side.current, "wrong"));
    return () => cancelAnimationFrame(frame);
  }, [pointed, editor, show]);

  if (editor === null || scene === null) return null;
  return (
    <div className={styles.editor} data-panels>
      <ToolRail editor={editor} surface={surface} />
      <div className={styles.stage} ref={stage}>
        <Canvas
          editor={editor}
          medium={medium}
          before={before}
          remarks={remarks}
          onSurface={setSurface}
          onPicture={setSize}
          panning={panning}
          onFocus={setFocused}
        />
        <NoticeBar editor={editor} />
        <StatusBar editor={editor} surface={surface} hasBefore={before !== null} />
      </div>
      <aside
        ref={side}
        className={styles.side}
        aria-label={t("image.panels")}
        onKeyDownCapture={(event) => questionKeys(event, backToCanvas)}
      >
        <Labels
          editor={editor}
          colours={scene.colours}
          search={search}
          searching={searching}
          onSearched={() => setSearching(false)}
          backToCanvas={backToCanvas}
        />
        <Objects
          editor={editor}
          scene={scene}
          issues={issues}
          remarks={remarks}
          order={order}
          onShow={show}
        />
        <Details editor={editor} remarks={remarks} onRemark={onRemark} strict={issues.length > 0} />
        <Context media={media} />
      </aside>
      <RelationChoice editor={editor} />
    </div>
  );
}

const TOLD_MS = 5000;

/** Reasons and hints, also told to those who do not see them. */
function NoticeBar({ editor }: { editor: ImageEditor }) {
  const { t } = useTranslation();
  const { notice, tool } = useSyncExternalStore(editor.subscribe, editor.snapshot);
  // While something is drawn a hint stays; what was told about something done would only lie over the picture.
  useEffect(() => {
    if (notice === null || tool !== "select") return undefined;
    const timer = setTimeout(() => editor.tell(null), TOLD_MS);
    return () => clearTimeout(timer);
  }, [notice, tool, editor]);
  return (
    <div aria-live="polite">
      {notice !== null && (
        <div className={styles.notice} data-tone={notice.tone} data-testid="image-notice">
          {t(notice.key, notice.values)}
        </div>
      )}
    </div>
  );
}

function RelationChoice({ editor }: { editor: ImageEditor }) {
  const { t } = useTranslation();
  const { relating } = useSyncExternalStore(editor.subscribe, editor.snapshot);
  return (
    <Modal
      opened={relating !== null}
      onClose={() => editor.set({ relating: null })}
      title={t("image.whichRelation")}
      closeButtonProps={{ "aria-label": t("workbench.close") }}
      size="sm"
    >
      <Stack>
        <Group>
          {relating?.options.map((option, i) => (
            <Button
              key={option}
              variant="default"
              data-autofocus={i === 0 || undefined}
              onClick={() => relateAs(editor, relating.from, relating.to, option)}
            >
              {relationName(editor, option)}
            </Button>
          ))}
        </Group>
      </Stack>
    </Modal>
  );
}
