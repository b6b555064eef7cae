// Booking a time by hand: with whom, when, for how long.

import { Button, Group, Modal, Stack, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness } from "@/lib/session";
import { useAct } from "@/ui/act";
import { PickLead } from "@/ui/PickLead";
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
          <PickLead
            label={t("field.lead")} placeholder={t("field.lead_hint")} nobody={t("field.lead_none")}
            value={leadId} onChange={setLeadId}
          />
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
