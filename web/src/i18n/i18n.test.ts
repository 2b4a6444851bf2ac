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
