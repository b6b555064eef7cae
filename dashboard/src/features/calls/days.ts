// Days as people write them, as moments: the business's midnight, whatever zone the browser is in.

/** How far the zone is ahead of UTC at a moment, in milliseconds. */
function ahead(at: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
    second: "numeric",
  }).formatToParts(at);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second")) - Math.floor(at / 1000) * 1000;
}

/** When a day (2026-03-03) begins in a zone; `after` as many days later. Undefined for what is no day. */
export function beginOf(day: string, zone: string, after = 0): string | undefined {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return undefined;
  const wall = Date.UTC(year, month - 1, date + after);
  if (Number.isNaN(wall)) return undefined;
  // Where the clock is changed in between, the first guess is off by what it is changed by.
  const guess = wall - ahead(wall, zone);
  return new Date(wall - ahead(guess, zone)).toISOString();
}
