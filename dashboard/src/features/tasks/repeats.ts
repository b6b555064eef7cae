// Recurrence rules as the form has them: a frequency, how often, days of the week and an end. Pure functions.

export type Frequency = "DAILY" | "WEEKLY" | "MONTHLY";

export interface Repeats {
  frequency: Frequency;
  interval: number;
  /** MO, TU, ...; of weekly ones alone. None: the due date's own. */
  weekdays: string[];
  /** 2026-12-31, or empty. */
  until: string;
}

export const FREQUENCIES: Frequency[] = ["DAILY", "WEEKLY", "MONTHLY"];
/** As `Date.getUTCDay` counts them. */
export const WEEKDAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/** What a rule of the server says; it has no others. */
export function readRepeats(rule: string | null | undefined): Repeats | null {
  if (!rule) return null;
  const parts = new Map(rule.split(";").map((part) => part.split("=") as [string, string]));
  const until = parts.get("UNTIL") ?? "";
  return {
    frequency: parts.get("FREQ") as Frequency,
    interval: Number(parts.get("INTERVAL") ?? 1),
    weekdays: parts.get("BYDAY")?.split(",") ?? [],
    until: until && `${until.slice(0, 4)}-${until.slice(4, 6)}-${until.slice(6)}`,
  };
}

export function writeRepeats(repeats: Repeats | null): string | null {
  if (!repeats) return null;
  const { frequency, interval, weekdays, until } = repeats;
  const parts = [`FREQ=${frequency}`, `INTERVAL=${interval}`];
  if (frequency === "WEEKLY" && weekdays.length > 0) parts.push(`BYDAY=${weekdays.join(",")}`);
  if (until) parts.push(`UNTIL=${until.replaceAll("-", "")}`);
  return parts.join(";");
}
