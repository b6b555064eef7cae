// Stretches of days of the calendar, as a report's address says them: 2026-03-03, in no zone.

const DAY_MS = 86_400_000;

export const isDay = (text: string): boolean => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));

/** A day so many days after another. */
export const dayAfter = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

export type Preset = "last_7" | "last_30" | "this_month" | "last_month";

export const PRESETS: Preset[] = ["last_7", "last_30", "this_month", "last_month"];

/** From which day to which a preset goes, seen from today. */
export function daysOf(preset: Preset, today: string): { from: string; to: string } {
  const first = `${today.slice(0, 8)}01`;
  switch (preset) {
    case "last_7":
      return { from: dayAfter(today, -6), to: today };
    case "last_30":
      return { from: dayAfter(today, -29), to: today };
    case "this_month":
      return { from: first, to: today };
    case "last_month": {
      const last = dayAfter(first, -1);
      return { from: `${last.slice(0, 8)}01`, to: last };
    }
  }
}
