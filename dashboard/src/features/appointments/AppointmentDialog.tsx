// One appointment: with whom, moving it, cancelling it.

import { Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness, useSession } from "@/lib/session";
import { useTime } from "@/lib/time";
import { useAct } from "@/ui/act";
import { useConfirm } from "@/ui/confirm";
import { TextLink } from "@/ui/LinkTo";
import type { Appointment } from "./grid";
import { Refusal } from "./Refusal";
import { useArrange } from "./useArrange";
import { WhenFields, type When } from "./WhenFields";
import { localOf } from "./zoned";

const MINUTE_MS = 60_000;

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
  const arrange = useArrange(when);
  const path = { appointment_id: appointment.id };
  const readAgain = () => queries.invalidateQueries({ queryKey: ["get", "/api/appointments"] });

  const move = async (event: FormEvent) => {
    event.preventDefault();
    const done = await arrange.send((stretch) =>
      client.PATCH("/api/appointments/{appointment_id}", {
        params: { path },
        body: { ...stretch, version: appointment.version, note },
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
  const mayChange = may("agent") && !isOver;
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
                <bdi>{appointment.lead_name || t("nameless")}</bdi>
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
          {!mayChange && appointment.note && (
            <Text size="sm" dir="auto">
              {appointment.note}
            </Text>
          )}
          {mayChange && (
            <>
              <Refusal of={arrange} />
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
    </Modal>
  );
}
