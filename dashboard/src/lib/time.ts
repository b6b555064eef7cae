// Times: UTC in the API, the business's zone on the page. The browser's own zone is never used.

import { useLanguage } from "@/lib/i18n";
import { useZone } from "@/lib/session";

const DAY_MS = 86_400_000;

export interface TimeWords {
  zone: string;
  /** 14:05 */
  clock(iso: string | Date): string;
  /** 14:05:09 */
  exactClock(iso: string | Date): string;
  /** 3 Mar 2026 */
  date(iso: string | Date): string;
  /** Tuesday, 3 March */
  day(iso: string | Date): string;
  /** 3 Mar 2026, 14:05 */
  dateTime(iso: string | Date): string;
  /** Today only the clock, this year no year: for tables. */
  short(iso: string | Date): string;
  /** 5 minutes ago, in 2 hours */
  ago(iso: string | Date, now?: number): string;
  /** 2026-03-03, the zone's calendar day: sorts, compares, and goes into queries. */
  dayKey(iso: string | Date): string;
}

/** Formats times in the business's zone and the person's language. */
export function useTime(): TimeWords {
  const language = useLanguage();
  return timeWords(language, useZone());
}

const made = new Map<string, TimeWords>();

/** Formats times in a zone and a language. Made once for each: a table's fifty rows would take 40 ms to make theirs. */
export function timeWords(language: string, zone: string): TimeWords {
  const key = `${language} ${zone}`;
  const known = made.get(key) ?? makeTimeWords(language, zone);
  made.set(key, known);
  return known;
}

function makeTimeWords(language: string, zone: string): TimeWords {
  const format = (options: Intl.DateTimeFormatOptions) => {
    const made = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { timeZone: zone, ...options });
    return (iso: string | Date) => made.format(new Date(iso));
  };
  const clock = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const keys = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
  const dayKey = (iso: string | Date) => keys.format(new Date(iso));
  const thisYear = format({ day: "numeric", month: "short" });
  const date = format({ day: "numeric", month: "short", year: "numeric" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  return {
    zone,
    clock,
    date,
    dayKey,
    exactClock: format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
    day: format({ weekday: "long", day: "numeric", month: "long" }),
    dateTime: (iso) => `${date(iso)}, ${clock(iso)}`,
    short(iso) {
      const [then, now] = [dayKey(iso), dayKey(new Date())];
      if (then === now) return clock(iso);
      return then.slice(0, 4) === now.slice(0, 4) ? `${thisYear(iso)}, ${clock(iso)}` : date(iso);
    },
    ago(iso, now = Date.now()) {
      const left = new Date(iso).getTime() - now;
      const size = Math.abs(left);
      if (size < 60_000) return relative.format(Math.round(left / 1000), "second");
      if (size < 3_600_000) return relative.format(Math.round(left / 60_000), "minute");
      if (size < DAY_MS) return relative.format(Math.round(left / 3_600_000), "hour");
      return relative.format(Math.round(left / DAY_MS), "day");
    },
  };
}

/** A length of time as a clock shows it: 0:07, 12:34, 1:02:03. Reads the same in every language. */
export function lengthOf(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
