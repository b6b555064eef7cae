// How a task comes again.

import { Chip, Group, Input, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { instantOf, weekdayOf, type Day } from "@/features/appointments/zoned";
import { useLanguage, useT } from "@/lib/i18n";
import { FREQUENCIES, WEEKDAYS, type Frequency, type Repeats } from "./repeats";

interface Props {
  value: Repeats | null;
  /** The day that the task is due. */
  day: Day;
  onChange: (repeats: Repeats | null) => void;
}

const MOST = 99;
/** A Sunday. */
const SUNDAY = "2026-11-22";
const NOON = 12 * 60;
const DAY_MS = 86_400_000;

export function RepeatsFields({ value, day, onChange }: Props) {
  const t = useT("tasks");
  const language = useLanguage();
  const names = new Intl.DateTimeFormat(language, { weekday: "short", timeZone: "UTC" });
  const nameOf = (number: number) => names.format(new Date(instantOf(SUNDAY, NOON, "UTC").getTime() + number * DAY_MS));
  const own = WEEKDAYS[weekdayOf(day)] ?? "SU";
  const choose = (frequency: string | null) =>
    onChange(frequency ? { interval: 1, weekdays: [], until: "", ...value, frequency: frequency as Frequency } : null);
  return (
    <Stack gap="xs">
      <Group grow align="flex-start">
        <Select
          label={t("field.repeats")}
          placeholder={t("repeat.none")}
          data={FREQUENCIES.map((frequency) => ({ value: frequency, label: t(`repeat.${frequency}`) }))}
          value={value?.frequency ?? null}
          onChange={choose}
          clearable
        />
        {value && (
          <NumberInput
            label={t("field.every")}
            suffix={` ${t(`repeat.unit_${value.frequency}`)}`}
            min={1}
            max={MOST}
            allowDecimal={false}
            value={value.interval}
            onChange={(interval) => onChange({ ...value, interval: Math.min(MOST, Math.max(1, Number(interval) || 1)) })}
          />
        )}
        {value && (
          <TextInput
            type="date"
            label={t("field.until")}
            min={day}
            value={value.until}
            onChange={(event) => onChange({ ...value, until: event.currentTarget.value })}
          />
        )}
      </Group>
      {value?.frequency === "WEEKLY" && (
        <Input.Wrapper label={t("field.weekdays")} labelElement="div">
          <Chip.Group multiple value={value.weekdays.length > 0 ? value.weekdays : [own]} onChange={(weekdays) => onChange({ ...value, weekdays })}>
            <Group gap={6} mt={4}>
              {WEEKDAYS.map((weekday, number) => (
                <Chip key={weekday} value={weekday} size="xs">
                  {nameOf(number)}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
        </Input.Wrapper>
      )}
    </Stack>
  );
}
