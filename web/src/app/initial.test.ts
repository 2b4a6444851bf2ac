// What is fetched before an editor is chosen: counted over all imports, once each, and refused above the limit.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkedSize, initialSize } from "../../scripts/initial.mjs";

/** A bundle of a page, the shell and the home page, which share a chunk; an editor is loaded later. */
function bundle(shared: string): string {
  const folder = mkdtempSync(join(tmpdir(), "bundle-"));
  mkdirSync(join(folder, "assets"));
  const files = {
    "index.js": "page",
    "shell.js": "shell",
    "home.js": "home",
    "shared.js": shared,
    "editor.js": "x".repeat(9_000),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, "assets", name), text);
  const entry = (name: string, more: object = {}) => ({
    file: `assets/${name}.js`,
    imports: ["_shared"],
    ...more,
  });
  const manifest = {
    "index.html": entry("index", { dynamicImports: ["src/editor.tsx"] }),
    "src/app/Shell.tsx": entry("shell"),
    "src/app/HomePage.tsx": entry("home"),
    _shared: { file: "assets/shared.js" },
    "src/editor.tsx": entry("editor"),
  };
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  return folder;
}

test("each script counts once, and what is loaded later does not", () => {
  const { files, bytes } = initialSize(bundle("shared"));
  expect([files, bytes]).toEqual([4, "pageshellhomeshared".length]);
});

test("a bundle above 250 kB of compressed script fails the build", () => {
  expect(checkedSize(bundle("small"))).toContain("4 files");
  let seed = 1;
  const random = Array.from({ length: 400_000 }, () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return String.fromCharCode(33 + (seed % 90));
  });
  expect(() => checkedSize(bundle(random.join("")))).toThrow("Too much is fetched");
});
