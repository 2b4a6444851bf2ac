// Writes src/api/schema.ts from the server's own OpenAPI document.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const python = process.env.PYTHON ?? (existsSync("../.venv/bin/python") ? "../.venv/bin/python" : "python3");
const made = spawnSync(python, ["../scripts/openapi.py"], { maxBuffer: 64 * 1024 * 1024 });
if (made.status !== 0) {
  process.stderr.write(made.stderr);
  process.exit(1);
}
// What has a default may be left out of a request, and therefore counts as optional everywhere.
const types = astToString(await openapiTS(JSON.parse(made.stdout), { rootTypes: true, defaultNonNullable: false }));
mkdirSync("src/api", { recursive: true });
writeFileSync("src/api/schema.ts", `// Made by scripts/api.mjs; not committed.\n${types}`);
