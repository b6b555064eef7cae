// Booking a time by hand: with whom, when, for how long.

import { Button, Group, Modal, Select, Stack, Textarea } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { isolated } from "@/lib/phones";
import { useBusiness } from "@/lib/session";
import { useAct } from "@/ui/act";
import { CalendarFields } from "./CalendarFields";
import { useCalendars } from "./calendars";
import { useArrange } from "./useArrange";
import { WhenFields, type When } from "./WhenFields";
import { localOf, type Day } from "./zoned";
import { Refusal } from "./Refusal";

export interface Wish {
  day: Day;
  minutes: number;
  leadId: string | null;
}

const FOUND = 20;
const REST_MS = 250;
const labelOf = ({ name, phone }: { name: string; phone: string }) =>
  name ? `${name} · ${isolated(phone)}` : isolated(phone);

export function BookDialog({ wish, close }: { wish: Wish; close: () => void }) {
  const t = useT("appointments");
  const act = useAct();
  const queries = useQueryClient();
  const { slot_minutes: usual } = useBusiness();
  const [leadId, setLeadId] = useState(wish.leadId);
  const [note, setNote] = useState("");
  const [when, setWhen] = useState<When>({ day: wish.day, minutes: wish.minutes, length: usual });
  const calendars = useCalendars();
  const [chosen, setCalendar] = useState<string | null>(null);
  const calendarId = chosen ?? calendars.rows.find((row) => row.is_default)?.id ?? null;
  const [visit, setVisit] = useState("");
  const { time_zone: zone } = useBusiness();
  const choose = (at: string) => setWhen({ ...when, ...localOf(at, zone) });
  const arrange = useArrange(when, calendarId);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const done = await arrange.send((stretch) =>
      client.POST("/api/appointments", { body: { ...stretch, calendar_id: calendarId, lead_id: leadId, visit, note: note.trim() } }),
    );
    if (!done) return;
    await act(() => queries.invalidateQueries({ queryKey: ["get", "/api/appointments"] }), t("book.done"));
    close();
  };
  return (
    <Modal opened onClose={close} title={t("book.title")} closeButtonProps={{ "aria-label": t("close") }}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap="sm">
          <Refusal of={arrange} choose={choose} />
          <LeadChoice value={leadId} onChange={setLeadId} />
          <CalendarFields calendars={calendars} value={calendarId} onChange={setCalendar} visit={visit} onVisit={setVisit} />
          <WhenFields when={when} onChange={setWhen} />
          <Textarea
            label={t("field.note")}
            autosize
            minRows={1}
            maxRows={6}
            maxLength={2_000}
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t("cancel_form")}
            </Button>
            <Button type="submit" loading={arrange.busy} disabled={arrange.stretch === null}>
              {t(arrange.anyway ? "book.anyway" : "book.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function LeadChoice({ value, onChange }: { value: string | null; onChange: (id: string | null) => void }) {
  const t = useT("appointments");
  const [words, setWords] = useState("");
  const [rested] = useDebouncedValue(words.trim(), REST_MS);
  const search = rested || undefined;
  const found = api.useQuery(
    "get",
    "/api/leads",
    { params: { query: { search, limit: FOUND } } },
    { placeholderData: keepPreviousData },
  );
  const known = api.useQuery(
    "get",
    "/api/leads/{lead_id}",
    { params: { path: { lead_id: value ?? "" } } },
    { enabled: value !== null },
  );
  const rows = [...(found.data?.leads ?? [])];
  if (known.data && !rows.some((lead) => lead.id === known.data.id)) rows.unshift(known.data);
  return (
    <Select
      label={t("field.lead")}
      placeholder={t("field.lead_hint")}
      data={rows.map((lead) => ({ value: lead.id, label: labelOf(lead) }))}
      value={value}
      onChange={onChange}
      // What is found was found by the server: also by a number in another form.
      filter={({ options }) => options}
      onSearchChange={(typed) => !rows.some((lead) => typed === labelOf(lead)) && setWords(typed)}
      searchable
      clearable
      nothingFoundMessage={t("field.lead_none")}
    />
  );
}
