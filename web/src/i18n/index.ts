/**
 * Messages: `<language>/<area>.json`, flat keys that begin with their area. What the shell and the console say is there from the start (English
 * in the bundle, other languages fetched when chosen); what only work says is fetched with it. A test fails on any key that a language lacks.
 */

import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = {
  en: "English",
  de: "Deutsch",
  es: "Español",
  ja: "日本語",
  ar: "العربية",
} as const;
export type Language = keyof typeof LANGUAGES;

type Messages = Record<string, string>;

const RIGHT_TO_LEFT: ReadonlySet<string> = new Set(["ar"]);
const FIRST = ["app", "console"];
const english = import.meta.glob<Messages>("./en/{app,console}.json", { eager: true, import: "default" });
const others = import.meta.glob<Messages>(["./*/*.json", "!./en/{app,console}.json"], { import: "default" });

const loaded = new Set<string>();
let withWork = false;

export function isLanguage(name: string): name is Language {
  return name in LANGUAGES;
}

/** Fetches what a language lacks so far of the areas that are in use. */
async function fetchMessages(language: Language): Promise<void> {
  const wanted = Object.keys(others).filter((path) => {
    const [, of, file] = path.split("/");
    const area = file?.replace(".json", "") ?? "";
    return of === language && !loaded.has(path) && (withWork || FIRST.includes(area));
  });
  const found = await Promise.all(wanted.map((path) => others[path]?.()));
  i18next.addResourceBundle(language, "translation", Object.assign({}, ...found), true, true);
  for (const path of wanted) loaded.add(path);
}

/** The messages of the editors and of everything around them; wait for it before showing one. */
export async function workMessages(): Promise<void> {
  withWork = true;
  await Promise.all([...new Set<Language>(["en", i18next.language as Language])].map(fetchMessages));
}

/** What a page of work says is fetched together with the page. */
export function withMessages<T>(page: () => Promise<T>): () => Promise<T> {
  return async () => (await Promise.all([page(), workMessages()]))[0];
}

export async function setLanguage(language: Language): Promise<void> {
  await fetchMessages(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr";
}

export async function startMessages(language: Language): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: { en: { translation: Object.assign({}, ...Object.values(english)) } },
    lng: "en",
    fallbackLng: "en",
    keySeparator: false,
    nsSeparator: false,
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  await setLanguage(language);
}
