// One calendar: its hours, how it is booked, whom it takes, and the address at which programs read it.

import {
  Button, Code, ColorSwatch, Group, Modal, MultiSelect, NumberInput, SegmentedControl, Select, SimpleGrid, Stack, Switch, TagsInput,
  Text, TextInput,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { WeekHours, type Week } from "@/features/settings/WeekHours";
import { api, client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness } from "@/lib/session";
import { useAct } from "@/ui/act";
import { FormFooter, type Removal } from "@/ui/FormFooter";
import type { CalendarRow } from "./calendars";
import { DaysOffField, type DayOff } from "./DaysOffField";

const COLOURS = [
  "blue", "teal", "violet", "orange", "pink", "cyan", "grape", "green", "indigo", "lime", "red", "yellow", "gray",
] as const;
type Colour = (typeof COLOURS)[number];
const SLOTS = [15, 20, 30, 45, 60, 90, 120, 180, 240];
const HOUR = 60;

export function CalendarForm({ row, close }: { row: CalendarRow | null; close: () => void }) {
  const t = useT("appointments");
  const act = useAct();
  const business = useBusiness();
  const agents = api.useQuery("get", "/api/agents");
  const [busy, setBusy] = useState(false);
  const form = useForm({
    initialValues: {
      name: row?.name ?? "",
      colour: (row?.colour ?? "teal") as Colour,
      active: row?.active ?? true,
      own_hours: row !== null && row.working_hours !== null,
      working_hours: (row?.working_hours ?? business.working_hours) as Week,
      slot: row?.slot_minutes ? String(row.slot_minutes) : "",
      buffer_before: row?.buffer_before ?? 0,
      buffer_after: row?.buffer_after ?? 0,
      notice_hours: (row?.notice_minutes ?? 0) / HOUR,
      ahead_days: row?.ahead_days ?? 365,
      public_holidays: row?.public_holidays ?? false,
      days_off: (row?.days_off ?? []) as DayOff[],
      agent_ids: row?.agent_ids ?? [],
      lead_tags: row?.lead_tags ?? [],
      visits: row?.visits ?? [],
    },
  });
  const save = form.onSubmit(async ({ own_hours, working_hours, slot, notice_hours, ...rest }) => {
    setBusy(true);
    const body = {
      ...rest,
      working_hours: own_hours ? (working_hours as Record<string, [string, string][]>) : null,
      slot_minutes: slot ? Number(slot) : null,
      notice_minutes: Math.round(notice_hours * HOUR),
    };
    const done = await act(
      () =>
        row
          ? client.PATCH("/api/calendars/{calendar_id}", {
              params: { path: { calendar_id: row.id } },
              body: { ...body, version: row.version },
            })
          : client.POST("/api/calendars", { body }),
      t("calendars.saved"),
    );
    setBusy(false);
    if (done) close();
  });
  const remove: Removal | null = row && !row.is_default ? {
    question: { title: t("calendars.delete_title"), body: t("calendars.delete_body"), confirm: t("calendars.delete") },
    deed: () => client.DELETE("/api/calendars/{calendar_id}", { params: { path: { calendar_id: row.id } } }),
    done: t("calendars.deleted"),
    after: close,
  } : null;
  const names = agents.data?.map((agent) => ({ value: agent.id, label: agent.name })) ?? [];
  return (
    <Modal
      opened
      zIndex={190}
      onClose={close}
      size="lg"
      title={row ? t("calendars.edit", { name: row.name }) : t("calendars.add")}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <form onSubmit={save}>
        <Stack gap="sm">
          <TextInput {...form.getInputProps("name")} label={t("calendars.name")} description={t("calendars.name_about")} required maxLength={60} dir="auto" />
          <div>
            <Text size="sm" fw={500}>
              {t("calendars.colour")}
            </Text>
            <Group gap={6} mt={4} role="radiogroup" aria-label={t("calendars.colour")}>
              {COLOURS.map((colour) => (
                <ColorSwatch
                  key={colour}
                  component="button"
                  type="button"
                  role="radio"
                  aria-checked={form.values.colour === colour}
                  aria-label={t(`colour.${colour}`)}
                  color={`var(--mantine-color-${colour}-filled)`}
                  size={26}
                  onClick={() => form.setFieldValue("colour", colour)}
                  style={{ cursor: "pointer", outline: form.values.colour === colour ? "2px solid var(--mantine-color-text)" : undefined, outlineOffset: 2 }}
                />
              ))}
            </Group>
          </div>
          {!row?.is_default && <Switch {...form.getInputProps("active", { type: "checkbox" })} label={t("calendars.active")} />}
          <SegmentedControl
            aria-label={t("calendars.hours")}
            value={form.values.own_hours ? "own" : "usual"}
            onChange={(value) => form.setFieldValue("own_hours", value === "own")}
            data={[
              { value: "usual", label: t("calendars.usual_hours") },
              { value: "own", label: t("calendars.own_hours") },
            ]}
          />
          {form.values.own_hours && (
            <WeekHours value={form.values.working_hours} onChange={(week) => form.setFieldValue("working_hours", week)} />
          )}
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Select
              {...form.getInputProps("slot")}
              label={t("calendars.slot_length")}
              data={[
                { value: "", label: t("calendars.usual_slot", { count: business.slot_minutes }) },
                ...SLOTS.map((minutes) => ({ value: String(minutes), label: t("minutes", { count: minutes }) })),
              ]}
              allowDeselect={false}
            />
            <NumberInput {...form.getInputProps("notice_hours")} label={t("calendars.notice")} min={0} max={2160} />
            <NumberInput {...form.getInputProps("buffer_before")} label={t("calendars.buffer_before")} min={0} max={240} allowDecimal={false} />
            <NumberInput {...form.getInputProps("buffer_after")} label={t("calendars.buffer_after")} min={0} max={240} allowDecimal={false} />
            <NumberInput {...form.getInputProps("ahead_days")} label={t("calendars.ahead")} min={1} max={730} allowDecimal={false} />
          </SimpleGrid>
          <DaysOffField value={form.values.days_off} onChange={(days) => form.setFieldValue("days_off", days)} />
          <Switch {...form.getInputProps("public_holidays", { type: "checkbox" })} label={t("calendars.holidays")} />
          <Text size="sm" c="dimmed">
            {t("calendars.routing_about")}
          </Text>
          <TagsInput {...form.getInputProps("visits")} label={t("calendars.visits")} placeholder={t("calendars.visits_hint")} maxTags={50} />
          <TagsInput {...form.getInputProps("lead_tags")} label={t("calendars.tags")} maxTags={50} />
          <MultiSelect {...form.getInputProps("agent_ids")} label={t("calendars.agents")} data={names} searchable clearable />
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
      {row && <Feed calendarId={row.id} />}
    </Modal>
  );
}

/** The secret address at which other programs read it. */
function Feed({ calendarId }: { calendarId: string }) {
  const t = useT("appointments");
  const act = useAct();
  const params = { path: { calendar_id: calendarId } };
  const { data } = api.useQuery("get", "/api/calendars/{calendar_id}/feed", { params });
  const address = data?.address ?? null;
  return (
    <Stack gap="xs" mt="md">
      <Text fw={600} size="sm">
        {t("feed.title")}
      </Text>
      <Text size="sm" c="dimmed">
        {t("feed.about")}
      </Text>
      {address && (
        <Code block dir="ltr" tabIndex={0} aria-label={t("feed.title")}>
          {address}
        </Code>
      )}
      <Group gap="xs">
        <Button
          variant="default"
          size="xs"
          onClick={() => void act(() => client.POST("/api/calendars/{calendar_id}/feed", { params }), t("feed.made"))}
        >
          {t(address ? "feed.renew" : "feed.make")}
        </Button>
        {address && (
          <Button
            variant="subtle"
            color="red"
            size="xs"
            onClick={() => void act(() => client.DELETE("/api/calendars/{calendar_id}/feed", { params }), t("feed.closed"))}
          >
            {t("feed.close")}
          </Button>
        )}
      </Group>
    </Stack>
  );
}
