/** Drives the whole editor by pointer and key verbs, without a screen. Positions are image pixels. */

import type { DocRecord } from "../../document/doc";
import { EMPTY_DOC } from "../../document/doc";
import { DocumentStore } from "../../document/store";
import type { ToolId } from "../../tools";
import type { Pointer } from "../../tools/tool";
import { modernConfig } from "./config";
import { ImageEditor } from "./editor";
import { docOf, responseOf } from "./wire";

type At = readonly [number, number];
type Keys = Partial<Pick<Pointer, "shift" | "mod" | "alt">>;

export class TestEditor {
  readonly store: DocumentStore;
  readonly editor: ImageEditor;
  #at: At = [0, 0];

  constructor(params: Record<string, unknown>, answer?: Record<string, unknown>, size: At = [640, 480]) {
    const config = modernConfig(params);
    const doc = answer
      ? docOf(answer, config, false)
      : config.prelabels
        ? docOf(config.prelabels, config, config.rights === null)
        : EMPTY_DOC;
    this.store = new DocumentStore(doc);
    this.editor = new ImageEditor({
      store: this.store,
      config,
      picture: { width: size[0], height: size[1] },
    });
  }

  #pointer([x, y]: At, keys: Keys = {}): Pointer {
    this.#at = [x, y];
    return { at: { x, y }, shift: false, mod: false, alt: false, ...keys };
  }

  tool(id: ToolId): this {
    this.editor.setTool(id);
    return this;
  }

  move(at: At, keys?: Keys): this {
    this.editor.pointerMove(this.#pointer(at, keys));
    return this;
  }

  click(at: At, keys?: Keys): this {
    this.move(at, keys);
    this.editor.pointerDown(this.#pointer(at, keys));
    this.editor.pointerUp(this.#pointer(at, keys));
    return this;
  }

  clicks(...all: At[]): this {
    for (const at of all) this.click(at);
    return this;
  }

  double(at: At): this {
    this.click(at);
    this.click(at);
    this.editor.doubleClick(this.#pointer(at));
    return this;
  }

  down(at: At, keys?: Keys): this {
    this.move(at, keys);
    this.editor.pointerDown(this.#pointer(at, keys));
    return this;
  }

  up(keys?: Keys): this {
    this.editor.pointerUp(this.#pointer(this.#at, keys));
    return this;
  }

  drag(from: At, to: At, keys?: Keys): this {
    this.down(from, keys);
    for (let i = 1; i <= 4; i++)
      this.move([from[0] + ((to[0] - from[0]) * i) / 4, from[1] + ((to[1] - from[1]) * i) / 4], keys);
    return this.up(keys);
  }

  key(key: "Enter" | "Escape" | "Backspace"): this {
    this.editor.key(key);
    return this;
  }

  undo(): this {
    this.store.undo();
    return this;
  }

  redo(): this {
    this.store.redo();
    return this;
  }

  select(...ids: string[]): this {
    this.editor.select(ids);
    return this;
  }

  get records(): DocRecord[] {
    return [...this.store.doc.records.values()];
  }

  get selected(): string[] {
    return [...this.store.selection];
  }

  get notice(): string | null {
    return this.editor.state.notice?.key ?? null;
  }

  /** The answer as it would be sent, without identities. */
  get answer(): Record<string, unknown>[] {
    const response = responseOf(this.store.doc, this.editor.config) as {
      annotations: Record<string, unknown>[];
    };
    return response.annotations.map(({ uuid: _, ...rest }) => rest);
  }
}
