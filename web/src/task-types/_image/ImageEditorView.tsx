import type { EditorProps } from "../registry";
import type { ImageConfig } from "./config";

export default function ImageEditorView(_: EditorProps & { readonly config: ImageConfig }) {
  return null;
}
