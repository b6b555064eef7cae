import { LANGUAGES } from "@/lib/i18n";

const NAMES: Record<(typeof LANGUAGES)[number], string> = { en: "English", he: "עברית" };

/** The languages of the pages, each by its own name, for a choice. */
export function useLanguageOptions(): { value: string; label: string }[] {
  return LANGUAGES.map((value) => ({ value, label: NAMES[value] }));
}
