import { ActionIcon, Button, Checkbox, Group, SegmentedControl, Text, TextInput } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconCalendarPlus, IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { useFilters } from "@/lib/address";
import { api } from "@/lib/api";
import { useLanguage, useT } from "@/lib/i18n";
import { useBusiness, useSession } from "@/lib/session";
import { useTime } from "@/lib/time";
import { Answer } from "@/ui/Answer";
import { ButtonLink } from "@/ui/LinkTo";
import { Notice } from "@/ui/Notice";
import { PageHeader } from "@/ui/PageHeader";
import { AppointmentDialog } from "./AppointmentDialog";
import { BookDialog, type Wish } from "./BookDialog";
import { Calendar } from "./Calendar";
import { useCalendars } from "./calendars";
import { daysFrom, nextFree, type Appointment } from "./grid";
import { Unmarked } from "./Unmarked";
import { daysOn, instantOf, localOf, weekOf } from "./zoned";

const MOST = 1_000;
const WEEK_BEGINS = { en: 1, he: 0 };

export default function CalendarPage() {
  const t = useT("appointments");
  const time = useTime();
  const language = useLanguage();
  const { time_zone: zone, working_hours: work } = useBusiness();
  const { may } = useSession();
  const narrow = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });
  const [{ view, date, book, without }, set] = useFilters({ view: "", date: "", book: "", without: "" });
  const [wish, setWish] = useState<Wish | null>(null);
  const [open, setOpen] = useState<Appointment | null>(null);

  const today = time.dayKey(new Date());
  const day = /^\d{4}-\d{2}-\d{2}$/.test(date) && !Number.isNaN(Date.parse(date)) ? date : today;
  const isDay = (view || (narrow ? "day" : "week")) === "day";
  const first = isDay ? day : weekOf(day, WEEK_BEGINS[language]);
  const days = daysFrom(first, isDay ? 1 : 7);
  const from = instantOf(first, 0, zone).toISOString();
  const to = instantOf(daysOn(first, days.length), 0, zone).toISOString();
  const found = api.useQuery(
    "get",
    "/api/appointments",
    { params: { query: { from, to, limit: MOST } } },
    { placeholderData: keepPreviousData },
  );
  const calendars = useCalendars();
  const hidden = new Set(without ? without.split(",") : []);
  const toggle = (id: string) => {
    const next = new Set(hidden);
    if (!next.delete(id)) next.add(id);
    set({ without: [...next].join(",") });
  };
  const standing = (found.data?.appointments ?? []).filter((row) => row.state !== "cancelled");
  const turn = (steps: number) => set({ date: daysOn(day, steps * days.length) });
  const proposed = () => nextFree(day, localOf(new Date(), zone), standing, work, zone);
  const asked: Wish | null = wish ?? (book && !found.isPending ? { ...proposed(), leadId: book } : null);
  const close = () => {
    setWish(null);
    set({ book: "" });
  };
  return (
    <>
      <PageHeader title={t("title")} about={t("about", { zone })}>
        {may("admin") && (
          <>
            <ButtonLink to="/appointments/calendars" variant="default">
              {t("calendars.title")}
            </ButtonLink>
            <ButtonLink to="/appointments/automations" variant="default">
              {t("automations.title")}
            </ButtonLink>
          </>
        )}
        {may("agent") && (
          <Button leftSection={<IconCalendarPlus size={16} />} onClick={() => setWish({ ...proposed(), leadId: null })}>
            {t("book.button")}
          </Button>
        )}
      </PageHeader>
      <Group justify="space-between" mb="sm" gap="xs">
        <Group gap="xs">
          <Button variant="default" size="xs" onClick={() => set({ date: "" })}>
            {t("today")}
          </Button>
          <ActionIcon variant="default" size="lg" aria-label={t(isDay ? "previous_day" : "previous_week")} onClick={() => turn(-1)}>
            <IconChevronLeft size={16} className="points" />
          </ActionIcon>
          <ActionIcon variant="default" size="lg" aria-label={t(isDay ? "next_day" : "next_week")} onClick={() => turn(1)}>
            <IconChevronRight size={16} className="points" />
          </ActionIcon>
          <TextInput
            type="date"
            size="xs"
            aria-label={t("go_to")}
            value={day}
            onChange={(event) => event.currentTarget.value && set({ date: event.currentTarget.value })}
          />
          <Text fw={600} role="status">
            {spanOf(time.date, time.day, days, zone)}
          </Text>
        </Group>
        <SegmentedControl
          aria-label={t("view")}
          value={isDay ? "day" : "week"}
          data={[
            { value: "day", label: t("day") },
            { value: "week", label: t("week") },
          ]}
          onChange={(value) => set({ view: value })}
        />
      </Group>
      {calendars.rows.length > 1 && (
        <Group gap="md" mb="sm" role="group" aria-label={t("calendars.shown")}>
          {calendars.rows.map((row) => (
            <Checkbox
              key={row.id}
              size="xs"
              color={row.colour}
              label={<bdi>{row.name}</bdi>}
              checked={!hidden.has(row.id)}
              onChange={() => toggle(row.id)}
            />
          ))}
        </Group>
      )}
      {may("agent") && <Unmarked open={setOpen} />}
      <Answer of={found}>
        {() => (
          <>
            {standing.length === 0 && !found.isPlaceholderData && <Notice>{t("empty")}</Notice>}
            <Calendar
              days={days}
              today={today}
              appointments={standing.filter((row) => !hidden.has(row.calendar_id))}
              calendars={calendars.byId}
              open={setOpen}
              book={may("agent") ? (at, minutes) => setWish({ day: at, minutes, leadId: null }) : undefined}
            />
          </>
        )}
      </Answer>
      {asked && <BookDialog wish={asked} close={close} />}
      {open && <AppointmentDialog key={open.id} appointment={open} close={() => setOpen(null)} />}
    </>
  );
}

function spanOf(date: (at: Date) => string, whole: (at: Date) => string, days: string[], zone: string): string {
  // Noon: no zone puts its clocks over it.
  const at = (day: string | undefined) => instantOf(day ?? "", 12 * 60, zone);
  if (days.length === 1) return whole(at(days[0]));
  return `${date(at(days[0]))} – ${date(at(days.at(-1)))}`;
}
