// Times that people type are meant in the business's zone.

/** Return the moment, in UTC, at which the clocks of a zone show this local time (`2026-03-01T09:30`). */
export function instantIn(zone: string, local: string): string {
  const meant = Date.parse(`${local}Z`);
  let at = meant;
  // Twice: the first guess may lie on the other side of a change of the clocks.
  for (let round = 0; round < 2; round += 1) at = meant - offsetAt(zone, at);
  return new Date(at).toISOString();
}

/** By how many milliseconds a zone is ahead of UTC at a moment. */
function offsetAt(zone: string, at: number): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit",
    minute: "2-digit", second: "2-digit",
  }).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((one) => one.type === type)?.value);
  const wall = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return wall - Math.floor(at / 1000) * 1000;
}
