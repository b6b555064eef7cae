// In which calendar, and what kind of visit: asked only where there is a choice.

import { Autocomplete, Select } from "@mantine/core";
import { useT } from "@/lib/i18n";
import type { Calendars } from "./calendars";

export interface CalendarFieldsProps {
  calendars: Calendars;
  value: string | null;
  onChange: (id: string | null) => void;
  visit: string;
  onVisit: (visit: string) => void;
}

export function CalendarFields({ calendars, value, onChange, visit, onVisit }: CalendarFieldsProps) {
  const t = useT("appointments");
  const { rows, byId } = calendars;
  const visits = (value === null ? undefined : byId.get(value)?.visits) ?? [];
  return (
    <>
      {rows.length > 1 && (
        <Select
          label={t("field.calendar")}
          data={rows.filter((row) => row.active || row.id === value).map((row) => ({ value: row.id, label: row.name }))}
          value={value}
          onChange={onChange}
          allowDeselect={false}
        />
      )}
      {(visits.length > 0 || visit !== "") && (
        <Autocomplete label={t("field.visit")} data={visits} value={visit} onChange={onVisit} maxLength={60} dir="auto" />
      )}
    </>
  );
}
