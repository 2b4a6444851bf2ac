/** All annotations as a list that only renders what is in sight: filter, sort, hide, lock, accept, reject. */

import { ActionIcon, Button, Menu, TextInput } from "@mantine/core";
import {
  IconCheck,
  IconEye,
  IconEyeOff,
  IconFilter,
  IconLock,
  IconLockOpen,
  IconSortDescending,
  IconX,
} from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent,
  memo,
  type RefObject,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { useTranslation } from "react-i18next";
import type { DocRecord } from "../../document/doc";
import { shapeOf } from "../../shapes";
import type { Issue, Remark } from "../registry";
import type { ImageEditor } from "./editor";
import styles from "./image.module.css";
import { displayOf } from "./labels";
import * as op from "./operations";
import { DIFFERENCE, type Scene } from "./scene";

export type Sort = "created" | "label" | "size" | "position";
/** How long after a selection the list follows it: whoever presses to drag has begun by then. */
const SETTLED_MS = 120;
type Which = "all" | "proposed" | "wrong" | "remarked" | "different";

interface Props {
  readonly editor: ImageEditor;
  readonly scene: Scene;
  readonly issues: readonly Issue[];
  readonly remarks: readonly Remark[];
  /** The order of the list, for Tab. */
  readonly order: RefObject<readonly string[]>;
  readonly onShow: () => void;
}

export function Objects({ editor, scene, issues, remarks, order, onShow }: Props) {
  const { t } = useTranslation();
  useSyncExternalStore(editor.subscribe, editor.content);
  const [query, setQuery] = useState("");
  const [sort, setSort] = useState<Sort>("created");
  const [which, setWhich] = useState<Which>("all");
  const scroller = useRef<HTMLDivElement>(null);
  const { doc, state, selection, config } = editor;
  const wrong = useMemo(() => new Set(issues.flatMap((i) => i.record ?? [])), [issues]);
  const remarked = useMemo(() => new Set(remarks.flatMap((r) => r.annotation_id ?? [])), [remarks]);
  const list = useMemo(
    () => arranged([...doc.records.values()], { query, sort, which, wrong, remarked, scene, config }),
    [doc.records, query, sort, which, wrong, remarked, scene, config],
  );
  order.current = useMemo(() => list.map((r) => r.id), [list]);
  editor.listed = order.current;
  const removed = which === "different" ? scene.removed() : [];
  const rows = useVirtualizer({
    count: list.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 30,
    overscan: 8,
  });
  const [first] = selection;
  // What is selected on the canvas comes into sight here, but not while it is dragged: a screenful of new rows costs frames.
  useEffect(() => {
    let timer = 0;
    const show = () => {
      if (editor.tool.busy) {
        timer = window.setTimeout(show, SETTLED_MS);
        return;
      }
      const at = first === undefined ? -1 : (order.current ?? []).indexOf(first);
      if (at >= 0) rows.scrollToIndex(at, { align: "auto" });
    };
    timer = window.setTimeout(show, SETTLED_MS);
    return () => clearTimeout(timer);
  }, [editor, first, order, rows]);
  const proposals = useMemo(
    () => [...doc.records.values()].filter((r) => r.hypothesis === "proposed").map((r) => r.id),
    [doc.records],
  );
  const numbers = useMemo(() => new Map([...doc.records.keys()].map((id, i) => [id, i + 1])), [doc.records]);
  const keys = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    op.step(editor, event.key === "ArrowDown" ? 1 : -1, order.current ?? []);
    onShow();
  };
  return (
    <section className={`${styles.section} ${styles.objects}`} aria-labelledby="image-objects">
      <div className={styles.head}>
        <h3 id="image-objects">{t("image.objects", { count: doc.records.size })}</h3>
        <Choice
          icon={<IconFilter size={15} />}
          label={t("image.filter")}
          value={which}
          options={[
            "all",
            "proposed",
            "wrong",
            "remarked",
            ...(scene.before ? (["different"] as const) : []),
          ]}
          text={(v) => t(`image.filter.${v}`)}
          onChange={setWhich}
          marked={which !== "all"}
        />
        <Choice
          icon={<IconSortDescending size={15} />}
          label={t("image.sort")}
          value={sort}
          options={["created", "label", "size", "position"]}
          text={(v) => t(`image.sort.${v}`)}
          onChange={setSort}
          marked={sort !== "created"}
        />
      </div>
      {doc.records.size > 8 && (
        <TextInput
          size="xs"
          mx={12}
          mb={4}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
          placeholder={t("image.searchObjects")}
          aria-label={t("image.searchObjects")}
        />
      )}
      {proposals.length > 0 && !editor.readOnly && (
        <div className={styles.head}>
          <span className={styles.muted} style={{ flex: 1 }}>
            {t("image.proposals", { count: proposals.length })}
          </span>
          <Button size="compact-xs" variant="light" onClick={() => op.accept(editor, proposals)}>
            {t("image.acceptAll")}
          </Button>
        </div>
      )}
      {doc.records.size === 0 ? (
        <p className={styles.empty}>{editor.readOnly ? t("image.nothing") : t("image.nothingYet")}</p>
      ) : list.length === 0 && removed.length === 0 ? (
        <p className={styles.empty}>{t("image.nothingFits")}</p>
      ) : null}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would look and behave like a form's */}
      <div
        ref={scroller}
        className={styles.scroll}
        style={{ flex: 1 }}
        role="group"
        aria-labelledby="image-objects"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys go through the list, and it scrolls
        tabIndex={0}
        onKeyDown={keys}
      >
        <ul
          style={{
            position: "relative",
            height: rows.getTotalSize(),
            margin: 0,
            padding: 0,
            listStyle: "none",
          }}
        >
          {rows.getVirtualItems().map((item) => {
            const record = list[item.index];
            if (record === undefined) return null;
            return (
              <Row
                key={record.id}
                record={record}
                top={item.start}
                number={numbers.get(record.id) ?? 0}
                editor={editor}
                scene={scene}
                wrong={wrong.has(record.id)}
                selected={selection.has(record.id)}
                hidden={state.hidden.has(record.id)}
                locked={state.locked.has(record.id)}
                onShow={onShow}
              />
            );
          })}
        </ul>
      </div>
      {removed.map((record) => (
        <div key={record.id} className={styles.labelRow}>
          <span className={styles.swatch} style={{ background: scene.colours.of(record.label) }} />
          <span className={styles.name}>{displayOf(config, record.label)}</span>
          <Badge colour={DIFFERENCE.removed}>{t("image.difference.removed")}</Badge>
        </div>
      ))}
    </section>
  );
}

function Badge({ colour, children }: { colour: string; children: React.ReactNode }) {
  return (
    <span className={styles.badge} style={{ borderColor: colour }}>
      {children}
    </span>
  );
}

interface RowProps {
  readonly record: DocRecord;
  readonly top: number;
  readonly number: number;
  readonly editor: ImageEditor;
  readonly scene: Scene;
  readonly wrong: boolean;
  readonly selected: boolean;
  readonly hidden: boolean;
  readonly locked: boolean;
  readonly onShow: () => void;
}

const Row = memo(function Row({
  record,
  top,
  number,
  editor,
  scene,
  wrong,
  selected,
  hidden,
  locked,
  onShow,
}: RowProps) {
  const { t } = useTranslation();
  const status = scene.status(record);
  const name = `${displayOf(editor.config, record.label)} ${number}`;
  const icon = (
    label: string,
    run: () => void,
    children: React.ReactNode,
    more: { pressed?: boolean; colour?: string } = {},
  ) => (
    // The browser's own button and tooltip: hundreds of the library's would make the list slow.
    <button
      type="button"
      className={styles.rowButton}
      data-colour={more.colour}
      aria-label={`${label}: ${name}`}
      title={label}
      {...(more.pressed === undefined ? {} : { "aria-pressed": more.pressed })}
      tabIndex={-1}
      onClick={(event) => {
        event.stopPropagation();
        run();
      }}
    >
      {children}
    </button>
  );
  return (
    <li
      className={styles.row}
      style={{ transform: `translateY(${top}px)` }}
      aria-current={selected}
      data-hidden={hidden}
      data-record={record.id}
      onMouseEnter={() => editor.hoverOver(record.id)}
      onMouseLeave={() => editor.hoverOver(null)}
    >
      <button
        type="button"
        className={styles.rowName}
        tabIndex={-1}
        onClick={(event) => {
          if (event.shiftKey || event.ctrlKey || event.metaKey)
            editor.select(
              selected
                ? [...editor.selection].filter((id) => id !== record.id)
                : [...editor.selection, record.id],
            );
          else editor.select([record.id]);
          onShow();
        }}
      >
        <span className={styles.swatch} style={{ background: scene.colours.of(record.label) }} />
        <span className={styles.name}>
          {displayOf(editor.config, record.label)} <span className={styles.muted}>{number}</span>
        </span>
      </button>
      {wrong && <Badge colour="#c92a2a">!</Badge>}
      {status !== null && <Badge colour={DIFFERENCE[status]}>{t(`image.difference.${status}`)}</Badge>}
      <span className={styles.rowButtons}>
        {record.hypothesis === "proposed" && !editor.readOnly && (
          <>
            {icon(t("image.accept"), () => op.accept(editor, [record.id]), <IconCheck size={15} />, {
              colour: "green",
            })}
            {icon(t("image.reject"), () => op.reject(editor, [record.id]), <IconX size={15} />, {
              colour: "red",
            })}
          </>
        )}
        {icon(
          t(hidden ? "image.show" : "image.hide"),
          () => op.toggleHidden(editor, [record.id]),
          hidden ? <IconEyeOff size={15} /> : <IconEye size={15} />,
          { pressed: hidden },
        )}
        {!editor.readOnly &&
          icon(
            t(locked ? "image.unlock" : "image.lock"),
            () => op.toggleLocked(editor, [record.id]),
            locked ? <IconLock size={15} /> : <IconLockOpen size={15} />,
            { pressed: locked },
          )}
      </span>
    </li>
  );
});

function Choice<T extends string>(props: {
  readonly icon: React.ReactNode;
  readonly label: string;
  readonly value: T;
  readonly options: readonly T[];
  readonly text: (value: T) => string;
  readonly onChange: (value: T) => void;
  readonly marked: boolean;
}) {
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon
          size={24}
          variant={props.marked ? "light" : "subtle"}
          color={props.marked ? undefined : "gray"}
          aria-label={props.label}
        >
          {props.icon}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {props.options.map((option) => (
          <Menu.Item
            key={option}
            onClick={() => props.onChange(option)}
            rightSection={option === props.value ? <IconCheck size={14} /> : null}
          >
            {props.text(option)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

interface Wanted {
  readonly query: string;
  readonly sort: Sort;
  readonly which: Which;
  readonly wrong: ReadonlySet<string>;
  readonly remarked: ReadonlySet<string>;
  readonly scene: Scene;
  readonly config: ImageEditor["config"];
}

function arranged(records: readonly DocRecord[], w: Wanted): DocRecord[] {
  const words = w.query.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const found = records.filter((r) => {
    if (w.which === "proposed" && r.hypothesis !== "proposed") return false;
    if (w.which === "wrong" && !w.wrong.has(r.id)) return false;
    if (w.which === "remarked" && !w.remarked.has(r.id)) return false;
    if (w.which === "different" && w.scene.status(r) === null) return false;
    if (words.length === 0) return true;
    const text = [displayOf(w.config, r.label), r.label, r.kind, ...Object.values(r.attributes)]
      .join(" ")
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const key: Readonly<Record<Exclude<Sort, "created">, (r: DocRecord) => string | number>> = {
    label: (r) => displayOf(w.config, r.label),
    size: (r) => -shapeOf(r.kind).area(r.data),
    position: (r) => {
      const b = shapeOf(r.kind).bounds(r.data);
      return Math.round(b.top / 40) * 1e6 + b.left;
    },
  };
  if (w.sort === "created") return found;
  const by = key[w.sort];
  return found.sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    return typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
  });
}
