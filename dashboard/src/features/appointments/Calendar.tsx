// The calendar itself: days beside each other, hours below each other, in the business's zone.

import { Text, VisuallyHidden } from "@mantine/core";
import { useEffect, useState, type CSSProperties, type KeyboardEvent, type MouseEvent } from "react";
import { useT } from "@/lib/i18n";
import { useBusiness } from "@/lib/session";
import { timeWords, useTime } from "@/lib/time";
import classes from "./Calendar.module.css";
import type { CalendarRow } from "./calendars";
import { hoursShown, ofDay, workOn, type Appointment, type Placed } from "./grid";
import { clockOf, instantOf, localOf, type Day } from "./zoned";

const MINUTE_MS = 60_000;
const SLOT = 30;

export interface CalendarProps {
  days: Day[];
  today: Day;
  appointments: Appointment[];
  /** What is open and in which colour, by the calendar's id. */
  calendars: Map<string, CalendarRow>;
  open: (appointment: Appointment) => void;
  /** Undefined for whoever may not. */
  book: ((day: Day, minutes: number) => void) | undefined;
}

export function Calendar({ days, today, appointments, calendars, open, book }: CalendarProps) {
  const t = useT("appointments");
  const time = useTime();
  const { working_hours: work, time_zone: zone } = useBusiness();
  const placed = new Map(days.map((day) => [day, ofDay(appointments, day, zone)]));
  const [first, last] = hoursShown(days, [...placed.values()].flat(), work);
  const hours = Array.from({ length: last - first }, (_, n) => first + n);
  const style = { "--days": days.length, "--hours": hours.length } as CSSProperties;
  return (
    <div className={classes.frame} tabIndex={0} role="region" aria-label={t("title")} data-calendar>
      <div className={classes.grid} style={style}>
        <div className={classes.corner} />
        {days.map((day) => (
          <div key={day} className={classes.dayName} data-today={day === today || undefined}>
            <DayName day={day} zone={zone} />
          </div>
        ))}
        <div className={classes.clocks} aria-hidden>
          {hours.map((hour) => (
            <bdi key={hour} className={classes.clock} dir="ltr">
              {clockOf(hour * 60)}
            </bdi>
          ))}
        </div>
        {days.map((day) => (
          <DayColumn
            key={day}
            day={day}
            name={time.day(instantOf(day, 12 * 60, zone))}
            first={first}
            last={last}
            placed={placed.get(day) ?? []}
            calendars={calendars}
            work={workOn(work, day)}
            isToday={day === today}
            open={open}
            book={book}
          />
        ))}
      </div>
    </div>
  );
}

function DayName({ day, zone }: { day: Day; zone: string }) {
  const noon = instantOf(day, 12 * 60, zone);
  const language = document.documentElement.lang;
  const weekday = new Intl.DateTimeFormat(language, { weekday: "short", timeZone: zone }).format(noon);
  return (
    <>
      <Text size="xs" c="dimmed" component="span">
        {weekday}
      </Text>{" "}
      <b>{timeWords(language, zone).dayKey(noon).slice(8).replace(/^0/, "")}</b>
    </>
  );
}

interface DayColumnProps {
  day: Day;
  name: string;
  first: number;
  last: number;
  placed: Placed[];
  calendars: Map<string, CalendarRow>;
  work: [number, number][];
  isToday: boolean;
  open: (appointment: Appointment) => void;
  book: CalendarProps["book"];
}

function DayColumn({ day, name, first, last, placed, calendars, work, isToday, open, book }: DayColumnProps) {
  const t = useT("appointments");
  const [slot, setSlot] = useState<number | null>(null);
  const named = slot ?? work[0]?.[0] ?? first * 60;
  const length = (last - first) * 60;
  const within = (from: number, to: number): CSSProperties => ({
    insetBlockStart: `${(100 * (from - first * 60)) / length}%`,
    blockSize: `${(100 * (to - from)) / length}%`,
  });
  const slotAt = (event: MouseEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const minutes = first * 60 + ((event.clientY - box.y) / box.height) * length;
    return Math.max(first * 60, Math.min(last * 60 - SLOT, Math.floor(minutes / SLOT) * SLOT));
  };
  const step = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = named + (event.key === "ArrowDown" ? SLOT : -SLOT);
      setSlot(Math.max(first * 60, Math.min(last * 60 - SLOT, slot === null ? named : next)));
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      book?.(day, named);
    }
  };
  return (
    <div className={classes.day} data-day={day}>
      {work.map(([from, to]) => (
        <div key={from} className={classes.work} style={within(from, to)} />
      ))}
      {book && (
        <button
          type="button"
          className={classes.free}
          aria-label={t("book.on", { day: name, clock: clockOf(named) })}
          // A screen reader's click has no place: it means the time that the button names.
          onClick={(event) => book(day, event.detail > 0 ? slotAt(event) : named)}
          onKeyDown={step}
          onMouseMove={(event) => setSlot(slotAt(event))}
          onMouseLeave={() => setSlot(null)}
          onBlur={() => setSlot(null)}
        >
          {slot !== null && (
            <span className={classes.slot} style={within(slot, slot + SLOT)}>
              <bdi dir="ltr">{clockOf(slot)}</bdi>
            </span>
          )}
        </button>
      )}
      {placed.map(({ appointment, from, to, lane, lanes }) => (
        <button
          key={appointment.id}
          type="button"
          className={classes.appointment}
          style={{ ...within(Math.max(from, first * 60), Math.min(to, last * 60)), ...besides(lane, lanes), ...colours(calendars, appointment) }}
          data-appointment={appointment.id}
          data-state={appointment.state}
          title={calendars.get(appointment.calendar_id)?.name}
          onClick={() => open(appointment)}
        >
          <bdi className={classes.at} dir="ltr">
            {clockOf(from)}
          </bdi>{" "}
          <bdi>{appointment.lead_name || appointment.note || t("nobody")}</bdi>
          {appointment.state !== "booked" && <VisuallyHidden>{t(`state.${appointment.state}`)}</VisuallyHidden>}
        </button>
      ))}
      {isToday && <Now first={first} last={last} within={within} />}
    </div>
  );
}

/** Where it stands beside others at the same time. */
const besides = (lane: number, lanes: number): CSSProperties =>
  lanes === 1
    ? {}
    : {
        insetInlineStart: `calc(2px + ${(100 * lane) / lanes}%)`,
        insetInlineEnd: `calc(2px + ${(100 * (lanes - lane - 1)) / lanes}%)`,
      };

/** In its calendar's colour. */
function colours(calendars: Map<string, CalendarRow>, { calendar_id: id }: Appointment): CSSProperties {
  const colour = calendars.get(id)?.colour ?? "blue";
  return {
    "--of-calendar": `var(--mantine-color-${colour}-filled)`,
    "--of-calendar-light": `var(--mantine-color-${colour}-light)`,
    "--of-calendar-text": `var(--mantine-color-${colour}-light-color)`,
  } as CSSProperties;
}

/** A line where the clock stands. */
function Now({ first, last, within }: { first: number; last: number; within: (from: number, to: number) => CSSProperties }) {
  const { time_zone: zone } = useBusiness();
  const [minutes, setMinutes] = useState(() => localOf(new Date(), zone).minutes);
  useEffect(() => {
    const beat = setInterval(() => setMinutes(localOf(new Date(), zone).minutes), MINUTE_MS / 2);
    return () => clearInterval(beat);
  }, [zone]);
  if (minutes < first * 60 || minutes > last * 60) return null;
  return <div className={classes.now} style={within(minutes, minutes)} aria-hidden />;
}
