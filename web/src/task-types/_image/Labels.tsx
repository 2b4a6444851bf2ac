/** The label picker: the tree of the geometry at hand, searched by `/`, chosen by digits. */

import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { type KeyboardEvent, type RefObject, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { useKeys } from "../../commands/useKeys";
import { digitLabels } from "./commands";
import type { ImageEditor } from "./editor";
import styles from "./image.module.css";
import { type LabelNode, leavesOf } from "./labels";
import { relabel } from "./operations";
import type { Scene } from "./scene";

interface Props {
  readonly editor: ImageEditor;
  readonly colours: Scene["colours"];
  readonly search: RefObject<HTMLInputElement | null>;
  /** Whether somebody has asked for the search, which is there for few labels, too, then. */
  readonly searching: boolean;
  readonly onSearched: () => void;
  readonly backToCanvas: () => void;
}

/** Searching is always worth its room from this many labels on. */
const MANY = 6;

export function Labels({ editor, colours, search, searching, onSearched, backToCanvas }: Props) {
  const { t } = useTranslation();
  useSyncExternalStore(editor.subscribe, editor.content);
  const [query, setQuery] = useState("");
  const keysOf = useKeys();
  const kind = editor.kind();
  const geometry = kind === null ? undefined : editor.geometry(kind);
  if (kind === null || geometry === undefined || !editor.config.labelled) return null;
  const digits = digitLabels(editor);
  const only = editor.only();
  const current = only?.kind === kind ? only.label : editor.label(kind);
  const words = query.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const matches = leavesOf(geometry.labels).filter(({ node, path }) =>
    words.every((w) => [...path, node.display, node.name].join(" ").toLowerCase().includes(w)),
  );
  const choose = (name: string) => {
    relabel(editor, name);
    setQuery("");
  };
  const keys = (event: KeyboardEvent) => {
    const first = matches[0];
    if (event.key === "Enter" && first !== undefined) choose(first.node.name);
    if (event.key === "Enter" || event.key === "Escape") {
      setQuery("");
      event.preventDefault();
      event.stopPropagation();
      backToCanvas();
    }
  };
  const row = (node: LabelNode, depth: number) => {
    const digit = digits.indexOf(node.name);
    return (
      // biome-ignore lint/a11y/useSemanticElements: native radios cannot hold the row's layout and keys
      <button
        key={node.name}
        type="button"
        role="radio"
        aria-checked={node.name === current}
        className={styles.labelRow}
        style={{ paddingInlineStart: 12 + depth * 14 }}
        title={node.description ?? undefined}
        onClick={() => choose(node.name)}
        disabled={editor.readOnly}
      >
        <span className={styles.swatch} style={{ background: colours.of(node.name) }} />
        <span className={styles.name}>{node.display}</span>
        {digit >= 0 && (
          <kbd className={styles.muted}>
            {keysOf(`image.label.${(digit + 1) % 10}`, String((digit + 1) % 10))}
          </kbd>
        )}
      </button>
    );
  };
  const tree = (nodes: readonly LabelNode[], depth: number): React.ReactNode =>
    nodes.map((node) =>
      node.children.length > 0 ? (
        <div key={node.name}>
          <div className={styles.branch} style={{ paddingInlineStart: 12 + depth * 14 }}>
            {node.display}
          </div>
          {tree(node.children, depth + 1)}
        </div>
      ) : (
        row(node, depth)
      ),
    );
  return (
    <section className={`${styles.section} ${styles.labels}`} aria-labelledby="image-labels">
      <div className={styles.head}>
        <h3 id="image-labels">{t("image.labels")}</h3>
        <span className={styles.muted}>{t(`image.kind.${kind}`)}</span>
      </div>
      {(geometry.leaves.length >= MANY || searching) && (
        <TextInput
          ref={search}
          autoFocus={searching}
          onBlur={onSearched}
          size="xs"
          mx={12}
          mb={4}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={keys}
          placeholder={t("image.searchLabels")}
          aria-label={t("image.searchLabels")}
          leftSection={<IconSearch size={14} />}
          rightSection={<kbd className={styles.muted}>{keysOf("image.searchLabels", "/")}</kbd>}
        />
      )}
      <div className={styles.scroll} role="radiogroup" aria-labelledby="image-labels">
        {words.length > 0 ? (
          matches.length > 0 ? (
            matches.map(({ node }) => row(node, 0))
          ) : (
            <p className={styles.empty}>{t("image.noSuchLabel")}</p>
          )
        ) : (
          tree(geometry.labels, 0)
        )}
      </div>
    </section>
  );
}
