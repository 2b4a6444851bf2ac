/** Settings of this browser: language and density. Light or dark is kept by Mantine. */

import { create } from "zustand";
import { isLanguage, type Language, setLanguage } from "../i18n";

export type Density = "comfortable" | "compact";

interface Prefs {
  readonly language: Language;
  readonly density: Density;
  readonly rail: boolean;
}

const LANGUAGE_KEY = "steelyard.language";
const DENSITY_KEY = "steelyard.density";
const RAIL_KEY = "steelyard.rail";

function firstLanguage(): Language {
  const kept = localStorage.getItem(LANGUAGE_KEY);
  if (kept !== null && isLanguage(kept)) return kept;
  for (const wanted of navigator.languages) {
    const base = wanted.split("-")[0] ?? "";
    if (isLanguage(base)) return base;
  }
  return "en";
}

export const usePrefs = create<Prefs>(() => ({
  language: firstLanguage(),
  density: localStorage.getItem(DENSITY_KEY) === "compact" ? "compact" : "comfortable",
  rail: localStorage.getItem(RAIL_KEY) === "1",
}));

/** Every size is in rem, so the root's font size sets the density of everything. */
function applyDensity(density: Density): void {
  document.documentElement.style.fontSize = density === "compact" ? "14px" : "16px";
}

export function chooseDensity(density: Density): void {
  localStorage.setItem(DENSITY_KEY, density);
  usePrefs.setState({ density });
  applyDensity(density);
}

export async function chooseLanguage(language: Language): Promise<void> {
  await setLanguage(language);
  localStorage.setItem(LANGUAGE_KEY, language);
  usePrefs.setState({ language });
}

export function chooseRail(rail: boolean): void {
  localStorage.setItem(RAIL_KEY, rail ? "1" : "0");
  usePrefs.setState({ rail });
}

applyDensity(usePrefs.getState().density);
