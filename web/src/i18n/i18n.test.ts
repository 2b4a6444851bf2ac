import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LANGUAGES } from ".";

const read = (language: string): Record<string, string> => {
  const all: Record<string, string> = {};
  for (const name of readdirSync(`src/i18n/${language}`)) {
    const area = name.replace(".json", "");
    const messages: Record<string, string> = JSON.parse(readFileSync(`src/i18n/${language}/${name}`, "utf8"));
    for (const [key, text] of Object.entries(messages)) {
      expect(key in all, `${key} stands twice`).toBe(false);
      expect(text.trim(), `${language} ${area} ${key}`).not.toBe("");
      all[key] = text;
    }
  }
  return all;
};
const english = read("en");
const placeholders = (text: string): string[] =>
  [...text.matchAll(/\{\{\s*(\w+)/g)].map((m) => m[1] ?? "").sort();
// The plural forms that a language has differ; the stem is what must be there.
const stem = (key: string): string => key.replace(/_(zero|one|two|few|many|other)$/, "");
const stems = (messages: object): string[] => [...new Set(Object.keys(messages).map(stem))].sort();

test.each(Object.keys(LANGUAGES).filter((language) => language !== "en"))(
  "%s has every message, no other, and the same placeholders",
  (language) => {
    const given = read(language);
    expect(stems(given)).toEqual(stems(english));
    for (const [key, text] of Object.entries(english)) {
      if (key !== stem(key)) continue;
      expect(placeholders(given[key] ?? ""), key).toEqual(placeholders(text));
    }
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const key of Object.keys(english).filter((k) => k.endsWith("_other")))
      for (const form of forms) expect(given[`${stem(key)}_${form}`], `${stem(key)}_${form}`).toBeTruthy();
  },
);

// What is the same in another language: proper names, and words that it has taken over.
const SAME: Readonly<Record<string, readonly string[]>> = {
  de: [
    "app.nav.group.system",
    "app.navigation",
    "console.column.status",
    "console.column.tags",
    "console.name",
    "console.versionOf",
    "console.mode.test",
    "console.problem",
    "console.transfer.export",
    "console.transfer.import",
    "console.work.training",
    "field.ellipse",
    "image.labels",
    "image.kind.polygon",
    "image.kind.ellipse",
    "text.labels",
    "workbench.group.label",
    ...Array.from({ length: 10 }, (_, n) => `command.image.label.${n}`),
  ],
  es: ["app.nav.callbacks", "console.status.error", "console.callback", "console.event.error"],
};

test.each(Object.keys(LANGUAGES).filter((language) => language !== "en"))(
  "no message of %s is still English",
  (language) => {
    const kept = new Set([...(SAME[language] ?? []), "console.status.rapid", "console.status.studio"]);
    const same = Object.entries(read(language)).filter(
      ([key, text]) =>
        text === english[key] && /\p{L}{3}/u.test(text.replace(/\{\{.*?\}\}/g, "")) && !kept.has(key),
    );
    expect(same).toEqual([]);
  },
);

test("every message that the code asks for by name is there", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
    (name) => /\.tsx?$/.test(name) && !name.includes(".test.") && !name.endsWith("schema.ts"),
  );
  const known = new Set(Object.keys(english).flatMap((key) => [key, stem(key)]));
  const missing = new Set<string>();
  for (const name of files) {
    const code = readFileSync(`src/${name}`, "utf8");
    for (const [, key] of code.matchAll(/\bt\(\s*"([^"]+)"/g))
      if (!known.has(key ?? "")) missing.add(`${name}: ${key}`);
    for (const [, start] of code.matchAll(/\bt\(\s*`([\w.]+\.)\$\{/g))
      if (![...known].some((key) => key.startsWith(start ?? ""))) missing.add(`${name}: ${start}…`);
  }
  expect([...missing]).toEqual([]);
});

test("no page says anything that is not a message", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".tsx"),
  );
  const found = files.flatMap((name) => {
    const code = readFileSync(`src/${name}`, "utf8");
    // words between tags, and in attributes that are read out or shown; "CSV", "JSON" and the product's name are the same everywhere
    const texts = [
      ...code.matchAll(/<[A-Z][\w.]*(?:\s[^<>]*)?>\s*([A-Za-z][A-Za-z ,.'!?]+?)\s*<\//g),
      ...code.matchAll(/\s(?:aria-label|placeholder|title|label|alt|description)="([^"]*[A-Za-z]{3}[^"]*)"/g),
    ].map(([, text]) => text ?? "");
    return texts
      .filter((text) => !["CSV", "JSON", "UTC", "Steelyard"].includes(text))
      .map((text) => `${name}: ${text}`);
  });
  expect(found).toEqual([]);
});
