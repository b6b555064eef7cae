// Languages: what is chosen, where its words are, and the direction of the page.
//
// One JSON file per feature and language: src/locales/{en,he}/<feature>.json. It is loaded when first used.

import i18next, { type TOptions } from "i18next";
import { useMemo } from "react";
import { initReactI18next, useTranslation } from "react-i18next";
import { isolated } from "@/lib/phones";

export const LANGUAGES = ["en", "he"] as const;
export type Language = (typeof LANGUAGES)[number];

const DIRECTIONS: Record<Language, "ltr" | "rtl"> = { en: "ltr", he: "rtl" };
const KEPT = "trunkline.language";
const FILES = import.meta.glob<{ default: Record<string, unknown> }>("../locales/*/*.json");

export const directionOf = (language: Language) => DIRECTIONS[language];
export const isLanguage = (word: string | null | undefined): word is Language =>
  LANGUAGES.some((language) => language === word);

/** The language that was last spoken in this browser: it serves until somebody has signed in. */
export function keptLanguage(): Language | null {
  const kept = localStorage.getItem(KEPT);
  return isLanguage(kept) ? kept : null;
}

/** Switch the whole page to a language, and remember it in this browser. A person's own is kept by the server. */
export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(KEPT, language);
  await i18next.changeLanguage(language);
}

i18next.on("languageChanged", (language) => {
  document.documentElement.lang = language;
  document.documentElement.dir = directionOf(language as Language);
});

export async function startI18n(): Promise<void> {
  const browsers = navigator.language.slice(0, 2);
  await i18next
    .use({
      type: "backend" as const,
      init() {},
      read(language: string, namespace: string, done: (fault: unknown, words: object | null) => void) {
        const load = FILES[`../locales/${language}/${namespace}.json`];
        if (!load) return done(new Error(`There are no words ${namespace} in ${language}.`), null);
        load().then(
          (file) => done(null, file.default),
          (fault: unknown) => done(fault, null),
        );
      },
    })
    .use(initReactI18next)
    .init({
      lng: keptLanguage() ?? (isLanguage(browsers) ? browsers : "en"),
      fallbackLng: false,
      supportedLngs: LANGUAGES,
      ns: ["common", "errors", "shell"],
      defaultNS: "common",
      interpolation: {
        // React escapes. What is done here is for texts from right to left, in whatever is put into them.
        escape: (value) => (i18next.dir() === "rtl" ? isolated(value) : value),
      },
      react: { useSuspense: true },
    });
}

/** Has the words of these features there, in the language that is spoken. */
export const loadWords = (features: string[]): Promise<void> => i18next.loadNamespaces(features);

export type Translate = (key: string | string[], values?: TOptions) => string;

/** The words of a feature: `const t = useT("runs"); t("title")`. Keys of others need `useT` of their own. */
export function useT(feature: string): Translate {
  return useTranslation(feature).t as Translate;
}

/** Mark the key of a text that is looked up elsewhere, with its feature: `msg("shell:nav.runs")`. */
export const msg = (key: `${string}:${string}`): string => key;

export function useLanguage(): Language {
  return useTranslation("common").i18n.language as Language;
}

/** Formats numbers of the chosen language. */
export function useNumbers() {
  const language = useLanguage();
  return useMemo(() => {
    const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
    const one = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
    const share = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
    return {
      whole: (value: number) => whole.format(value),
      one: (value: number) => one.format(value),
      /** 0.25 becomes 25%. */
      share: (value: number) => share.format(value),
    };
  }, [language]);
}
