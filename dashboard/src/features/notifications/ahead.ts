// How long before something one is reminded of it, in words.

import { useT } from "@/lib/i18n";

export const AHEAD = [0, 5, 10, 15, 30, 60, 120, 1_440];
const HOUR = 60;
const DAY = 1_440;

/** Returns what says minutes ahead. */
export function useAheadWords(): (minutes: number) => string {
  const t = useT("notifications");
  return (minutes) => {
    if (minutes === 0) return t("ahead.at");
    if (minutes === DAY) return t("ahead.day");
    if (minutes % HOUR === 0) return t("ahead.hours", { count: minutes / HOUR });
    return t("ahead.minutes", { count: minutes });
  };
}
