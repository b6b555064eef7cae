// When people may be called, how often, and what is said first: the business's rules, as a form of its own.

import { Button, Checkbox, Group, NumberInput, SimpleGrid, Stack, Switch, TagsInput, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness, useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Panel } from "@/ui/Panel";
import { useKeptForm } from "@/ui/useKeptForm";
import { useBusinessChange } from "./useBusinessChange";
import { ClockSelect, DAYS } from "./WeekHours";

type Rules = Schema<"CallingRules">;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Everybody may read the rules; admins change them. What is saved holds from the next dial on. */
export function CallingHours() {
  const t = useT("settings");
  const business = useBusiness();
  const { may } = useSession();
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const rules = business.calling_rules;
  const window = business.calling_window as { from: string; to: string };
  const change = useBusinessChange();
  const [form, changed] = useKeptForm(
    {
      from: window.from,
      to: window.to,
      days: rules.days ?? [...DAYS],
      holidays: rules.holidays ?? [],
      public_holidays: rules.public_holidays ?? false,
      // An empty field is no limit.
      attempts_per_day: rules.attempts_per_day ?? "",
      attempts_in_all: rules.attempts_in_all ?? "",
      minimum_gap_minutes: rules.minimum_gap_minutes ?? 0,
      consent_required: rules.consent_required ?? false,
      disclosure: rules.disclosure ?? "",
    },
    {
      validate: {
        days: (days) => (days.length === 0 ? t("calling.no_day") : null),
        to: (to, { from }) => (to <= from ? t("calling.backwards") : null),
        holidays: (days) => (days.every((day) => DATE.test(day)) ? null : t("calling.no_date")),
      },
    },
  );
  const save = form.onSubmit(async (values) => {
    setBusy(true);
    const { from, to, attempts_per_day, attempts_in_all, minimum_gap_minutes, days, ...rest } = changed(values);
    const limit = (value: number | string) => (value === "" ? null : Number(value));
    const calling_rules = {
      ...rest,
      ...(days && { days: days as Rules["days"] }),
      ...(attempts_per_day !== undefined && { attempts_per_day: limit(attempts_per_day) }),
      ...(attempts_in_all !== undefined && { attempts_in_all: limit(attempts_in_all) }),
      ...(minimum_gap_minutes !== undefined && { minimum_gap_minutes: Number(minimum_gap_minutes) }),
    };
    await act(
      () =>
        change({
          // Of one piece: where it begins and where it ends.
          ...((from ?? to) && { calling_window: { from: values.from, to: values.to } }),
          // Of the rules, too, those that are not named stay, which the description does not tell.
          ...(Object.keys(calling_rules).length > 0 && { calling_rules: calling_rules as Rules }),
        }),
      t("calling.saved"),
    );
    setBusy(false);
  });
  const fixed = !may("admin");
  return (
    <form onSubmit={save}>
      <Stack>
        <Panel title={t("calling.when")} about={t("calling.when_about")}>
          <Stack>
            <div role="group" aria-label={t("calling.window")}>
              <Group gap={6} align="flex-start">
                <ClockSelect label={t("calling.from")} value={form.values.from} onChange={(from) => form.setFieldValue("from", from)} last="23:45" disabled={fixed} />
                <Text size="sm" lh="2.25rem">
                  {t("hours.until")}
                </Text>
                <ClockSelect label={t("calling.to")} value={form.values.to} onChange={(to) => form.setFieldValue("to", to)} disabled={fixed} />
              </Group>
              {form.errors.to && (
                <Text size="xs" c="var(--mantine-color-error)" role="alert">
                  {form.errors.to}
                </Text>
              )}
            </div>
            <Checkbox.Group {...form.getInputProps("days")} label={t("calling.days")}>
              <Group gap="md" mt="xs">
                {DAYS.map((day) => (
                  <Checkbox key={day} value={day} label={t(`day.${day}`)} disabled={fixed} />
                ))}
              </Group>
            </Checkbox.Group>
            <Switch
              {...form.getInputProps("public_holidays", { type: "checkbox" })}
              label={t("calling.public_holidays")}
              description={t("calling.public_holidays_about")}
              disabled={fixed}
            />
            <TagsInput
              {...form.getInputProps("holidays")}
              label={t("calling.holidays")}
              description={t("calling.holidays_about")}
              dir="ltr"
              disabled={fixed}
            />
          </Stack>
        </Panel>
        <Panel title={t("calling.often")} about={t("calling.often_about")}>
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            <NumberInput {...form.getInputProps("attempts_per_day")} label={t("calling.per_day")} placeholder={t("calling.no_limit")} min={1} max={20} allowDecimal={false} disabled={fixed} />
            <NumberInput {...form.getInputProps("attempts_in_all")} label={t("calling.in_all")} placeholder={t("calling.no_limit")} min={1} max={1000} allowDecimal={false} disabled={fixed} />
            <NumberInput {...form.getInputProps("minimum_gap_minutes")} label={t("calling.gap")} min={0} max={43200} allowDecimal={false} required withAsterisk={false} disabled={fixed} />
          </SimpleGrid>
        </Panel>
        <Panel title={t("calling.consent")}>
          <Stack>
            <Switch
              {...form.getInputProps("consent_required", { type: "checkbox" })}
              label={t("calling.consent_required")}
              description={t("calling.consent_about")}
              disabled={fixed}
            />
            <Textarea
              {...form.getInputProps("disclosure")}
              label={t("calling.disclosure")}
              description={t("calling.disclosure_about")}
              dir="auto"
              autosize
              minRows={2}
              maxLength={500}
              disabled={fixed}
            />
          </Stack>
        </Panel>
        {!fixed && (
          <Group>
            <Button type="submit" loading={busy}>
              {t("save")}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}
