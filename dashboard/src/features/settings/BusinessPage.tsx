// The business itself: its name, where it is, when it is open.

import { Button, Group, NumberInput, Select, SimpleGrid, Stack, Switch, TextInput, type InputWrapperProps } from "@mantine/core";
import { useMemo, useState } from "react";
import { useLanguage, useT } from "@/lib/i18n";
import { useBusiness, useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Panel } from "@/ui/Panel";
import { useKeptForm } from "@/ui/useKeptForm";
import { useLanguageOptions } from "./languages";
import { SettingsTabs } from "./SettingsTabs";
import { useBusinessChange } from "./useBusinessChange";
import { WeekHours, type Week } from "./WeekHours";

/** Fields beside each other stand on one line whether or not they are explained. */
const BELOW: InputWrapperProps["inputWrapperOrder"] = ["label", "input", "description", "error"];
const SLOTS = [15, 20, 30, 45, 60, 90, 120, 180, 240];

export default function BusinessPage() {
  const t = useT("settings");
  const business = useBusiness();
  const { me } = useSession();
  const act = useAct();
  const languages = useLanguageOptions();
  const regions = useRegions();
  const zones = useMemo(() => [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC", business.time_zone])].sort(), [business]);
  const slots = [...new Set([...SLOTS, business.slot_minutes])].sort((one, other) => one - other);
  const [busy, setBusy] = useState(false);
  const [form, changed] = useKeptForm({
    name: business.name,
    time_zone: business.time_zone,
    language: business.language,
    region: business.region,
    slot_minutes: String(business.slot_minutes),
    record_calls: business.record_calls,
    max_calls: business.max_calls,
    max_outbound_calls: business.max_outbound_calls,
    working_hours: business.working_hours as Week,
  });
  const change = useBusinessChange();
  const save = form.onSubmit(async (values) => {
    setBusy(true);
    const { slot_minutes, ...rest } = changed(values);
    await act(() => change({ ...rest, ...(slot_minutes && { slot_minutes: Number(slot_minutes) }) }), t("saved"));
    setBusy(false);
  });
  return (
    <>
      <SettingsTabs title={t("business.title")} about={t("business.about")} />
      <form onSubmit={save}>
        <Stack>
          <Panel title={t("business.who")}>
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <TextInput {...form.getInputProps("name")} label={t("business.name")} dir="auto" required withAsterisk={false} maxLength={200} />
              <Select
                {...form.getInputProps("language")}
                label={t("business.language")}
                description={t("business.language_about")}
                inputWrapperOrder={BELOW}
                data={languages}
                allowDeselect={false}
              />
              <Select
                {...form.getInputProps("time_zone")}
                label={t("business.zone")}
                description={t("business.zone_about")}
                inputWrapperOrder={BELOW}
                data={zones}
                searchable
                allowDeselect={false}
                nothingFoundMessage={t("business.nothing_found")}
                limit={100}
              />
              <Select
                {...form.getInputProps("region")}
                label={t("business.region")}
                description={t("business.region_about")}
                inputWrapperOrder={BELOW}
                data={regions}
                searchable
                allowDeselect={false}
                nothingFoundMessage={t("business.nothing_found")}
                limit={300}
              />
            </SimpleGrid>
          </Panel>
          <Panel title={t("business.hours")} about={t("business.hours_about")}>
            <Stack>
              <WeekHours value={form.values.working_hours} onChange={(week) => form.setFieldValue("working_hours", week)} />
              <Select
                {...form.getInputProps("slot_minutes")}
                label={t("business.slot")}
                data={slots.map((minutes) => ({ value: String(minutes), label: t("business.minutes", { count: minutes }) }))}
                allowDeselect={false}
                maw="16rem"
              />
            </Stack>
          </Panel>
          <Panel title={t("business.calls")}>
            <Stack>
              <Switch
                {...form.getInputProps("record_calls", { type: "checkbox" })}
                label={t("business.record")}
                description={t("business.record_about")}
              />
              {me.is_system_admin && (
                <SimpleGrid cols={{ base: 1, sm: 2 }}>
                  <NumberInput {...form.getInputProps("max_calls")} label={t("business.max_calls")} min={1} max={200} allowDecimal={false} />
                  <NumberInput
                    {...form.getInputProps("max_outbound_calls")}
                    label={t("business.max_outbound")}
                    min={1}
                    max={100}
                    allowDecimal={false}
                  />
                </SimpleGrid>
              )}
            </Stack>
          </Panel>
          <Group>
            <Button type="submit" loading={busy}>
              {t("save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </>
  );
}

/** Codes that name no country. */
const NO_COUNTRY = new Set(["EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"]);

/** Every country in the chosen language, by name. */
function useRegions(): { value: string; label: string }[] {
  const language = useLanguage();
  return useMemo(() => {
    const names = new Intl.DisplayNames(language, { type: "region", fallback: "none" });
    const letters = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index));
    return letters
      .flatMap((first) => letters.map((second) => first + second))
      .filter((code) => !NO_COUNTRY.has(code))
      .map((value) => ({ value, label: names.of(value) ?? "" }))
      .filter(({ label }) => label !== "")
      .sort((one, other) => one.label.localeCompare(other.label, language));
  }, [language]);
}
