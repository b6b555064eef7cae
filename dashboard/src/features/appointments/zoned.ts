// Days and clocks of a zone, by the calendar and not by 24 hours: a day may have 23 or 25. Pure functions.

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** A calendar day, 2026-03-03. */
export type Day = string;

/** The day some days after another. */
export function daysOn(day: Day, days: number): Day {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** 0 for Sunday, 6 for Saturday. */
export const weekdayOf = (day: Day): number => new Date(`${day}T00:00:00Z`).getUTCDay();

/** The first day of a day's week, which begins on Sunday (0) or Monday (1). */
export function weekOf(day: Day, begins: number): Day {
  return daysOn(day, -((weekdayOf(day) - begins + 7) % 7));
}

interface Local {
  day: Day;
  /** Since midnight, as the clock on the wall shows it. */
  minutes: number;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

export function localOf(instant: Date | string, zone: string): Local {
  const clock =
    clocks.get(zone) ??
    new Intl.DateTimeFormat("en-CA", {
      timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    });
  clocks.set(zone, clock);
  const parts = Object.fromEntries(clock.formatToParts(new Date(instant)).map((part) => [part.type, part.value]));
  return { day: `${parts.year}-${parts.month}-${parts.day}`, minutes: Number(parts.hour) * 60 + Number(parts.minute) };
}

/**
 * The instant at which the clocks of a zone show these minutes of a day. Where they are put forward over it, it is
 * as much later; where they show it twice, the first time is meant.
 */
export function instantOf(day: Day, minutes: number, zone: string): Date {
  const wanted = new Date(`${day}T00:00:00Z`).getTime() + minutes * MINUTE_MS;
  const off = (instant: number) => {
    const shown = localOf(new Date(instant), zone);
    return new Date(`${shown.day}T00:00:00Z`).getTime() + shown.minutes * MINUTE_MS - instant;
  };
  // Before a change and after it; of two that fit the earlier one.
  const before = wanted - off(wanted - DAY_MINUTES * MINUTE_MS);
  const after = wanted - off(wanted + DAY_MINUTES * MINUTE_MS);
  for (const instant of [before, after].sort((one, other) => one - other)) {
    if (instant + off(instant) === wanted) return new Date(instant);
  }
  return new Date(before);
}

/** 09:30 as minutes since midnight; null where it is no clock. */
export function minutesOf(clock: string): number | null {
  const found = /^(\d{1,2}):(\d{2})$/.exec(clock);
  if (!found) return null;
  const minutes = Number(found[1]) * 60 + Number(found[2]);
  return minutes <= DAY_MINUTES ? minutes : null;
}

export const clockOf = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
