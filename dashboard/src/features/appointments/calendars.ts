// The business's calendars as pages use them: asked for once, found by id.

import { useMemo } from "react";
import { api, type Schema } from "@/lib/api";

export type CalendarRow = Schema<"CalendarOut">;

export interface Calendars {
  rows: CalendarRow[];
  byId: Map<string, CalendarRow>;
}

const NONE: CalendarRow[] = [];

export function useCalendars(): Calendars {
  const { data } = api.useQuery("get", "/api/calendars");
  const rows = data?.calendars ?? NONE;
  return useMemo(() => ({ rows, byId: new Map(rows.map((row) => [row.id, row])) }), [rows]);
}
