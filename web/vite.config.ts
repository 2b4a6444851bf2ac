import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The bundle is package data of the Python distribution, which serves it under a strict content security policy:
// no inline scripts, no eval, no address but our own.
export default defineConfig({
  plugins: [react()],
  base: "/",
  build: {
    outDir: "../src/steelyard/web_bundle",
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
