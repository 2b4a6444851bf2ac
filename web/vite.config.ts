import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { checkedSize } from "./scripts/initial.mjs";

const BUNDLE = "../src/steelyard/web_bundle";

/** Writes each script and style compressed beside itself: the server sends those as they are. */
const compressed: Plugin = {
  name: "steelyard-compressed",
  apply: "build",
  closeBundle() {
    const folder = resolve(import.meta.dirname, BUNDLE, "assets");
    for (const name of readdirSync(folder).filter((name) => /\.(js|css|svg)$/.test(name))) {
      const content = readFileSync(resolve(folder, name));
      writeFileSync(resolve(folder, `${name}.br`), brotliCompressSync(content));
      writeFileSync(resolve(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
    }
  },
};

/** Fails a build that has grown too large to load quickly. */
const small: Plugin = {
  name: "steelyard-small",
  apply: "build",
  closeBundle() {
    console.log(checkedSize(resolve(import.meta.dirname, BUNDLE)));
  },
};

// The bundle is package data of the Python distribution, which serves it under a strict content security policy:
// no inline scripts, no eval, no address but our own.
export default defineConfig({
  plugins: [react(), compressed, small],
  base: "/",
  build: {
    outDir: BUNDLE,
    emptyOutDir: true,
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    manifest: "manifest.json",
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/v1", "/media", "/results", "/healthz", "/openapi.json"].map((path) => [
        path,
        process.env.STEELYARD_DEV_SERVER ?? "http://127.0.0.1:8000",
      ]),
    ),
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
