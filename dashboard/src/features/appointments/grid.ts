// What stands where in the calendar: pure functions from appointments to places in columns of days.

import type { Schema } from "@/lib/api";
import { daysOn, localOf, minutesOf, weekdayOf, type Day } from "./zoned";

export type Appointment = Schema<"AppointmentOut">;

export interface Placed {
  appointment: Appointment;
  from: number;
  to: number;
  /** Its place beside others at the same time, from 0 on, of so many. */
  lane: number;
  lanes: number;
}

const DAY_MINUTES = 24 * 60;
const SHORTEST = 20;
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** The appointments of a day with their minutes on it; one that goes over midnight stands on both. */
export function ofDay(appointments: Appointment[], day: Day, zone: string): Placed[] {
  const placed = appointments.flatMap((appointment) => {
    const from = localOf(appointment.starts_at, zone);
    const to = localOf(appointment.ends_at, zone);
    if (from.day > day || to.day < day || (to.day === day && to.minutes === 0)) return [];
    const begins = from.day === day ? from.minutes : 0;
    const ends = to.day === day ? to.minutes : DAY_MINUTES;
    return [{ appointment, from: begins, to: Math.min(Math.max(ends, begins + SHORTEST), DAY_MINUTES), lane: 0, lanes: 1 }];
  });
  return beside(placed);
}

/** Stands those at the same time beside each other: several calendars, or what is shown longer than it is. */
function beside(placed: Placed[]): Placed[] {
  const sorted = [...placed].sort((one, other) => one.from - other.from || one.to - other.to);
  let together: Placed[] = [];
  let until = 0;
  const settle = () => {
    const lanes = Math.max(0, ...together.map((one) => one.lane)) + 1;
    for (const one of together) one.lanes = lanes;
    together = [];
  };
  for (const one of sorted) {
    if (one.from >= until) settle();
    const taken = new Set(together.filter((other) => other.to > one.from).map((other) => other.lane));
    while (taken.has(one.lane)) one.lane += 1;
    together.push(one);
    until = together.length === 1 ? one.to : Math.max(until, one.to);
  }
  settle();
  return sorted;
}

/** The stretches of a weekday in which the business works, in minutes. */
export function workOn(hours: Record<string, unknown>, day: Day): [number, number][] {
  const pairs = hours[WEEKDAYS[weekdayOf(day)] ?? ""];
  if (!Array.isArray(pairs)) return [];
  return (pairs as [string, string][]).flatMap(([opens, closes]) => {
    const [from, to] = [minutesOf(opens), minutesOf(closes)];
    return from === null || to === null ? [] : [[from, to] as [number, number]];
  });
}

/** The hours to show: those in which the business works or somebody comes, and one around them. */
export function hoursShown(days: Day[], placed: Placed[], hours: Record<string, unknown>): [number, number] {
  const work = days.flatMap((day) => workOn(hours, day));
  const starts = [...work.map(([from]) => from), ...placed.map(({ from }) => from)];
  const ends = [...work.map(([, to]) => to), ...placed.map(({ to }) => to)];
  if (starts.length === 0) return [8, 18];
  const first = Math.floor(Math.min(...starts) / 60) - 1;
  const last = Math.ceil(Math.max(...ends) / 60) + 1;
  return [Math.max(0, first), Math.min(24, last)];
}

const HALF_HOUR = 30;
const NINE = 9 * 60;
const DAYS_AHEAD = 14;

/**
 * When to propose a time on a day: its first half hour in which the business works and nobody comes, and which has not
 * begun yet; on a later day where there is none.
 */
export function nextFree(
  wanted: Day, now: { day: Day; minutes: number }, appointments: Appointment[], hours: Record<string, unknown>, zone: string,
): { day: Day; minutes: number } {
  const first = wanted < now.day ? now.day : wanted;
  for (let ahead = 0; ahead < DAYS_AHEAD; ahead += 1) {
    const day = daysOn(first, ahead);
    const taken = ofDay(appointments, day, zone);
    for (const [opens, closes] of workOn(hours, day)) {
      // The minute that goes on has begun.
      const begin = day === now.day ? Math.max(opens, now.minutes + 1) : opens;
      for (let from = Math.ceil(begin / HALF_HOUR) * HALF_HOUR; from + HALF_HOUR <= closes; from += HALF_HOUR) {
        if (taken.every((one) => one.to <= from || one.from >= from + HALF_HOUR)) return { day, minutes: from };
      }
    }
  }
  return first > now.day ? { day: first, minutes: NINE } : { day: daysOn(now.day, 1), minutes: NINE };
}

/** The days of a view that begins on one. */
export const daysFrom = (first: Day, count: number): Day[] => Array.from({ length: count }, (_, n) => daysOn(first, n));
