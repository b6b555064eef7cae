// One appointment: with whom, moving it, cancelling it.

import { Badge, Button, Divider, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness, useSession } from "@/lib/session";
import { useTime } from "@/lib/time";
import { useAct } from "@/ui/act";
import { useConfirm } from "@/ui/confirm";
import { TextLink } from "@/ui/LinkTo";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";
import { CalendarFields } from "./CalendarFields";
import { useCalendars } from "./calendars";
import type { Appointment } from "./grid";
import { Handing } from "./Handing";
import { Messages } from "./Messages";
import { Refusal } from "./Refusal";
import { useArrange } from "./useArrange";
import { useMark, type Mark } from "./useMark";
import { WhenFields, type When } from "./WhenFields";
import { localOf } from "./zoned";

const MINUTE_MS = 60_000;
const TONES: Record<string, Tone> = { booked: "busy", arrived: "good", no_show: "bad", cancelled: "quiet" };

export function AppointmentDialog({ appointment, close }: { appointment: Appointment; close: () => void }) {
  const t = useT("appointments");
  const time = useTime();
  const act = useAct();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const { may } = useSession();
  const { time_zone: zone } = useBusiness();
  const local = localOf(appointment.starts_at, zone);
  const length = (Date.parse(appointment.ends_at) - Date.parse(appointment.starts_at)) / MINUTE_MS;
  const [when, setWhen] = useState<When>({ day: local.day, minutes: local.minutes, length });
  const [note, setNote] = useState(appointment.note);
  const [visit, setVisit] = useState(appointment.visit);
  const calendars = useCalendars();
  const [calendarId, setCalendar] = useState<string | null>(appointment.calendar_id);
  const choose = (at: string) => setWhen({ ...when, ...localOf(at, zone) });
  const mark = useMark();
  const arrange = useArrange(when, calendarId);
  const path = { appointment_id: appointment.id };
  const readAgain = () => queries.invalidateQueries({ queryKey: ["get", "/api/appointments"] });

  const move = async (event: FormEvent) => {
    event.preventDefault();
    const done = await arrange.send((stretch) =>
      client.PATCH("/api/appointments/{appointment_id}", {
        params: { path },
        body: { ...stretch, calendar_id: calendarId, version: appointment.version, visit, note },
      }),
    );
    if (!done) return;
    await act(readAgain, t("move.done"));
    close();
  };
  const cancel = async () => {
    const question = { title: t("cancel.title"), body: t("cancel.body"), confirm: t("cancel.button") };
    if (!(await confirm(question))) return;
    const body = { version: appointment.version };
    const done = await act(
      () => client.POST("/api/appointments/{appointment_id}/cancel", { params: { path }, body }),
      t("cancel.done"),
    );
    await readAgain();
    if (done) close();
  };
  // As it was when the dialog was opened.
  const [isOver] = useState(() => Date.parse(appointment.ends_at) <= Date.now());
  const [hasBegun] = useState(() => Date.parse(appointment.starts_at) <= Date.now());
  const mayChange = may("agent") && !isOver && appointment.state === "booked";
  const say = async (state: Mark) => {
    if (await mark(appointment, state)) close();
  };
  return (
    <Modal
      opened
      // Below the question whether to cancel, which comes over it.
      zIndex={190}
      onClose={close}
      title={`${time.day(appointment.starts_at)}, ${time.clock(appointment.starts_at)}`}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <form onSubmit={(event) => void move(event)}>
        <Stack gap="sm">
          <Text size="sm">
            {t("with")}{" "}
            {appointment.lead_id ? (
              <TextLink to={`/leads/${appointment.lead_id}`} underline="always">
                <bdi>{appointment.lead_name}</bdi>
              </TextLink>
            ) : (
              t("nobody")
            )}
            {appointment.call_id && (
              <>
                {" · "}
                <TextLink to={`/calls/${appointment.call_id}`} underline="always">{t("from_call")}</TextLink>
              </>
            )}
          </Text>
          <Group gap="xs">
            <StatusBadge tone={TONES[appointment.state] ?? "quiet"}>{t(`state.${appointment.state}`)}</StatusBadge>
            {calendars.rows.length > 1 && (
              <Badge variant="dot" color={calendars.byId.get(appointment.calendar_id)?.colour}>
                <bdi>{calendars.byId.get(appointment.calendar_id)?.name}</bdi>
              </Badge>
            )}
            {!mayChange && appointment.visit && (
              <Text size="sm">
                <bdi>{appointment.visit}</bdi>
              </Text>
            )}
          </Group>
          {may("agent") && hasBegun && (
            <Group gap="xs" role="group" aria-label={t("mark.label")}>
              {appointment.state !== "arrived" && (
                <Button size="xs" variant="light" color="green" onClick={() => void say("arrived")}>
                  {t("mark.arrived")}
                </Button>
              )}
              {appointment.state !== "no_show" && (
                <Button size="xs" variant="light" color="red" onClick={() => void say("no_show")}>
                  {t("mark.no_show")}
                </Button>
              )}
              {appointment.state !== "booked" && (
                <Button size="xs" variant="subtle" onClick={() => void say("booked")}>
                  {t("mark.booked")}
                </Button>
              )}
            </Group>
          )}
          {!mayChange && appointment.note && (
            <Text size="sm" dir="auto">
              {appointment.note}
            </Text>
          )}
          {mayChange && (
            <>
              <Refusal of={arrange} choose={choose} />
              <CalendarFields
                calendars={calendars}
                value={calendarId}
                onChange={setCalendar}
                visit={visit}
                onVisit={setVisit}
              />
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
              <Group justify="space-between">
                <Button variant="subtle" color="red" onClick={() => void cancel()}>
                  {t("cancel.button")}
                </Button>
                <Button type="submit" loading={arrange.busy} disabled={arrange.stretch === null}>
                  {t(arrange.anyway ? "move.anyway" : "move.save")}
                </Button>
              </Group>
            </>
          )}
        </Stack>
      </form>
      <Divider my="sm" />
      <Handing appointment={appointment} />
      <Messages appointmentId={appointment.id} />
    </Modal>
  );
}
