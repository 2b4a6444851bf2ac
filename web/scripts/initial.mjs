/**
 * How much JavaScript is fetched before an editor is chosen: what the page itself, the shell and the home page import, compressed.
 * The build fails above the limit; `node scripts/initial.mjs` prints the figures.
 */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const LIMIT_BYTES = 250_000;
const PAGES = ["index.html", "src/app/Shell.tsx", "src/app/HomePage.tsx"];

/** Sizes in bytes of the scripts that `pages` import, with everything that those import. */
export function initialSize(bundle, pages = PAGES) {
  const manifest = JSON.parse(readFileSync(resolve(bundle, "manifest.json"), "utf8"));
  const files = new Set();
  const visit = (name) => {
    const entry = manifest[name];
    if (entry === undefined) throw new Error(`${name} is not in the bundle`);
    if (files.has(entry.file)) return;
    files.add(entry.file);
    for (const imported of entry.imports ?? []) visit(imported);
  };
  for (const page of pages) visit(page);
  const contents = [...files].map((file) => readFileSync(resolve(bundle, file)));
  const sum = (size) => contents.reduce((total, content) => total + size(content), 0);
  return {
    files: files.size,
    bytes: sum((content) => content.length),
    gzip: sum((content) => gzipSync(content, { level: 9 }).length),
    brotli: sum((content) => brotliCompressSync(content).length),
  };
}

/** One line of figures. Throws where the limit is passed. */
export function checkedSize(bundle) {
  const { files, gzip, brotli } = initialSize(bundle);
  const kilo = (bytes) => (bytes / 1000).toFixed(1);
  const line = `initial JavaScript: ${kilo(gzip)} kB gzip, ${kilo(brotli)} kB brotli in ${files} files (limit ${kilo(LIMIT_BYTES)} kB)`;
  if (gzip > LIMIT_BYTES) throw new Error(`Too much is fetched before an editor is chosen: ${line}`);
  return line;
}

if (process.argv[1] === import.meta.filename)
  console.log(checkedSize(resolve(import.meta.dirname, "../../src/steelyard/web_bundle")));
