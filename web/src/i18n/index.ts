/**
 * Messages: `<language>/<area>.json`, flat keys that begin with their area. English is in the bundle, other languages are fetched when chosen;
 * a test fails on any key that a language lacks.
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
const english = import.meta.glob<Messages>("./en/*.json", { eager: true, import: "default" });
const others = import.meta.glob<Messages>("./{de,es,ja,ar}/*.json", { import: "default" });

export function isLanguage(name: string): name is Language {
  return name in LANGUAGES;
}

export async function setLanguage(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, "translation")) {
    const areas = Object.keys(others).filter((path) => path.startsWith(`./${language}/`));
    const loaded = await Promise.all(areas.map((path) => others[path]?.()));
    i18next.addResourceBundle(language, "translation", Object.assign({}, ...loaded));
  }
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
