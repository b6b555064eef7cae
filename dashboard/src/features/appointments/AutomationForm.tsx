// One automation: when, by what, and in which words.

import { Alert, Button, Group, Modal, NumberInput, Select, SimpleGrid, Stack, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { ClockSelect } from "@/features/settings/WeekHours";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { FormFooter, type Removal } from "@/ui/FormFooter";
import { useCalendars } from "./calendars";

type Automation = Schema<"AutomationOut">;
type All = Schema<"AutomationsOut">;
const MOMENTS = ["before", "after", "booked", "moved", "cancelled", "no_show"] as const;
const UNITS = ["minutes", "hours", "days"] as const;
const QUIET: [string, string] = ["21:00", "08:00"];

export function AutomationForm({ row, all, close }: { row: Automation | null; all: All; close: () => void }) {
  const t = useT("appointments");
  const act = useAct();
  const calendars = useCalendars();
  const agents = api.useQuery("get", "/api/agents");
  const numbers = api.useQuery("get", "/api/business/numbers");
  const [busy, setBusy] = useState(false);
  const usable = all.channels.filter((one) => one.lacks === null).map((one) => one.name);
  const form = useForm({
    initialValues: {
      name: row?.name ?? "",
      moment: row?.moment ?? ("before" as const),
      amount: row?.amount ?? 1,
      unit: row?.unit ?? ("days" as const),
      channel: row?.channel ?? usable[0] ?? "email",
      calendar_id: row?.calendar_id ?? null,
      agent_id: row?.agent_id ?? null,
      from_number: row?.from_number ?? null,
      subject: row?.subject ?? "",
      text: row?.text ?? "",
      quiet: row ? row.quiet_from !== null : true,
      quiet_from: row?.quiet_from ?? QUIET[0],
      quiet_until: row?.quiet_until ?? QUIET[1],
      active: row?.active ?? true,
    },
  });
  const { channel, moment } = form.values;
  const words = all.words.find((one) => one.moment === moment);
  const lacks = all.channels.find((one) => one.name === channel)?.lacks ?? null;
  const save = form.onSubmit(async ({ quiet, quiet_from, quiet_until, channel: by, ...rest }) => {
    setBusy(true);
    const body = { ...rest, quiet_from: quiet ? quiet_from : null, quiet_until: quiet ? quiet_until : null };
    const done = await act(
      () =>
        row
          ? client.PATCH("/api/appointment-automations/{automation_id}", {
              params: { path: { automation_id: row.id } },
              body: { ...body, ...(by === row.channel ? {} : { channel: by }), version: row.version },
            })
          : client.POST("/api/appointment-automations", { body: { ...body, channel: by } }),
      t("automations.saved"),
    );
    setBusy(false);
    if (done) close();
  });
  const remove: Removal | null = row && {
    question: { title: t("automations.delete_title"), body: t("automations.delete_body"), confirm: t("automations.delete") },
    deed: () => client.DELETE("/api/appointment-automations/{automation_id}", { params: { path: { automation_id: row.id } } }),
    done: t("automations.deleted"),
    after: close,
  };
  return (
    <Modal
      opened
      zIndex={190}
      onClose={close}
      size="lg"
      title={row ? t("automations.edit", { name: row.name }) : t("automations.add")}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <form onSubmit={save}>
        <Stack gap="sm">
          <TextInput {...form.getInputProps("name")} label={t("automations.name")} required maxLength={60} dir="auto" />
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            <NumberInput {...form.getInputProps("amount")} label={t("automations.amount")} min={moment === "before" ? 1 : 0} allowDecimal={false} />
            <Select {...form.getInputProps("unit")} label={t("automations.unit")} data={UNITS.map((value) => ({ value, label: t(`units.${value}`) }))} allowDeselect={false} />
            <Select {...form.getInputProps("moment")} label={t("automations.moment")} data={MOMENTS.map((value) => ({ value, label: t(`moment.${value}`) }))} allowDeselect={false} />
          </SimpleGrid>
          <Select
            {...form.getInputProps("channel")}
            label={t("automations.channel")}
            allowDeselect={false}
            data={all.channels.map(({ name, lacks: lack }) => ({
              value: name,
              label: lack ? t("automations.not_here", { channel: t(`channel.${name}`) }) : t(`channel.${name}`),
              disabled: lack !== null && name !== row?.channel,
            }))}
          />
          {lacks && <Alert color="yellow">{t([`lacks.${lacks}`, "lacks.other"])}</Alert>}
          {calendars.rows.length > 1 && (
            <Select
              {...form.getInputProps("calendar_id")}
              label={t("field.calendar")}
              placeholder={t("automations.all_calendars")}
              clearable
              data={calendars.rows.map((one) => ({ value: one.id, label: one.name }))}
            />
          )}
          {channel === "call" && (
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <Select
                {...form.getInputProps("agent_id")}
                label={t("automations.agent")}
                required
                data={agents.data?.map((agent) => ({ value: agent.id, label: agent.name })) ?? []}
              />
              <Select
                {...form.getInputProps("from_number")}
                label={t("automations.number")}
                required
                dir="ltr"
                data={numbers.data?.map((number) => number.e164) ?? []}
              />
            </SimpleGrid>
          )}
          {channel !== "call" && (
            <>
              <TextInput {...form.getInputProps("subject")} label={t("automations.subject")} placeholder={words?.subject} maxLength={200} dir="auto" />
              <Textarea
                {...form.getInputProps("text")}
                label={t("automations.text")}
                description={t("automations.text_about", { facts: all.facts.map((fact) => `{${fact}}`).join(" ") })}
                placeholder={words?.text}
                autosize
                minRows={4}
                maxRows={12}
                maxLength={4_000}
                dir="auto"
              />
            </>
          )}
          <Switch {...form.getInputProps("quiet", { type: "checkbox" })} label={t("automations.quiet")} />
          {form.values.quiet && (
            <Group gap={6}>
              <ClockSelect label={t("automations.quiet_from")} value={form.values.quiet_from} onChange={(clock) => form.setFieldValue("quiet_from", clock)} last="23:45" />
              <Text size="sm">{t("automations.until")}</Text>
              <ClockSelect label={t("automations.quiet_until")} value={form.values.quiet_until} onChange={(clock) => form.setFieldValue("quiet_until", clock)} last="23:45" />
            </Group>
          )}
          <FormFooter remove={remove}>
            <Button variant="default" onClick={close}>
              {t("cancel_form")}
            </Button>
            <Button type="submit" loading={busy}>
              {t("move.save")}
            </Button>
          </FormFooter>
        </Stack>
      </form>
    </Modal>
  );
}
