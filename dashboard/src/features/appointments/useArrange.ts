// Asking for a time: what the server says to it, and asking again for one outside the working hours.

import { useState } from "react";
import { hasCode } from "@/lib/errors";
import { useBusiness } from "@/lib/session";
import type { When } from "./WhenFields";
import { instantOf } from "./zoned";

export interface Stretch {
  starts_at: string;
  ends_at: string;
  outside_hours: boolean;
  beside: boolean;
}

export interface Arrange {
  /** Null while the fields say no time. */
  stretch: Stretch | null;
  /** Why it was refused the last time. */
  failure: unknown;
  /** The calendar is shut then, or the person is elsewhere, which has been said: the next time it is meant. */
  anyway: boolean;
  busy: boolean;
  send: (ask: (stretch: Stretch) => Promise<unknown>) => Promise<boolean>;
}

interface Last {
  of: string;
  failure: unknown;
  /** What had been said of that question before, and was meant. */
  outside: boolean;
  beside: boolean;
}

const MINUTE_MS = 60_000;

export function useArrange(when: When, calendarId: string | null): Arrange {
  const { time_zone: zone } = useBusiness();
  const key = JSON.stringify([when, calendarId]);
  const [last, setLast] = useState<Last>({ of: "", failure: null, outside: false, beside: false });
  const [busy, setBusy] = useState(false);
  // Another time is another question.
  const failure = last.of === key ? last.failure : null;
  const outside = hasCode(failure, "outside_hours") || (last.of === key && last.outside);
  const beside = hasCode(failure, "lead_busy") || (last.of === key && last.beside);
  const anyway = outside || beside;
  const begins = when.day && when.minutes !== null ? instantOf(when.day, when.minutes, zone) : null;
  const stretch = begins && {
    starts_at: begins.toISOString(),
    ends_at: new Date(begins.getTime() + when.length * MINUTE_MS).toISOString(),
    outside_hours: outside,
    beside,
  };
  const send: Arrange["send"] = async (ask) => {
    if (!stretch) return false;
    setBusy(true);
    try {
      await ask(stretch);
    } catch (error) {
      setLast({ of: key, failure: error, outside, beside });
      return false;
    } finally {
      setBusy(false);
    }
    return true;
  };
  return { stretch, failure, anyway, busy, send };
}
