// When the business is open: for each day some stretches of time, or none.

import { ActionIcon, Button, Group, Select, Stack, Switch, Text } from "@mantine/core";
import { IconMinus, IconPlus } from "@tabler/icons-react";
import { useT } from "@/lib/i18n";
import classes from "./WeekHours.module.css";

export const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;
type Day = (typeof DAYS)[number];
type Stretch = [string, string];
export type Week = Partial<Record<Day, Stretch[]>>;

const QUARTERS = Array.from({ length: 97 }, (_, index) => {
  const two = (figure: number) => String(figure).padStart(2, "0");
  return `${two(Math.floor(index / 4))}:${two((index % 4) * 15)}`;
});

export function WeekHours({ value, onChange }: { value: Week; onChange: (week: Week) => void }) {
  const t = useT("settings");
  const put = (day: Day, stretches: Stretch[]) => {
    const next = { ...value, [day]: stretches };
    if (stretches.length === 0) delete next[day];
    onChange(next);
  };
  return (
    <Stack gap="xs">
      {DAYS.map((day) => {
        const stretches = value[day] ?? [];
        const name = t(`day.${day}`);
        const change = (index: number, stretch: Stretch) =>
          put(day, stretches.map((one, at) => (at === index ? stretch : one)));
        return (
          <div key={day} className={classes.day} role="group" aria-label={name}>
            <Switch
              label={name}
              checked={stretches.length > 0}
              onChange={(event) => put(day, event.currentTarget.checked ? [["09:00", "17:00"]] : [])}
            />
            <Stack gap={6}>
              {stretches.length === 0 && (
                <Text size="sm" c="dimmed" className={classes.closed}>
                  {t("hours.closed")}
                </Text>
              )}
              {stretches.map(([from, to], index) => (
                <Group key={index} gap={6} wrap="nowrap">
                  <ClockSelect label={t("hours.from", { day: name })} value={from} onChange={(next) => change(index, [next, to])} last="23:45" />
                  <Text size="sm">{t("hours.until")}</Text>
                  <ClockSelect label={t("hours.to", { day: name })} value={to} onChange={(next) => change(index, [from, next])} last="23:45" />
                  {stretches.length > 1 && (
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      aria-label={t("hours.less", { day: name })}
                      onClick={() => put(day, stretches.filter((_, at) => at !== index))}
                    >
                      <IconMinus size={16} />
                    </ActionIcon>
                  )}
                </Group>
              ))}
            </Stack>
            {stretches.length > 0 && (
              <Button
                variant="subtle"
                size="compact-sm"
                leftSection={<IconPlus size={14} />}
                aria-label={t("hours.more_of", { day: name })}
                onClick={() => put(day, [...stretches, [stretches.at(-1)?.[1] ?? "09:00", "23:45"]])}
              >
                {t("hours.more")}
              </Button>
            )}
          </div>
        );
      })}
    </Stack>
  );
}

/** A time of the day by quarters; another that stands already stays a choice. */
export function ClockSelect({
  label, value, onChange, last = "24:00", disabled,
}: {
  label: string;
  value: string;
  onChange: (clock: string) => void;
  last?: string;
  disabled?: boolean;
}) {
  const known = QUARTERS.filter((clock) => clock <= last);
  const data = known.includes(value) ? known : [...known, value].sort();
  return (
    <Select
      aria-label={label}
      data={data}
      value={value}
      onChange={(clock) => clock && onChange(clock)}
      allowDeselect={false}
      searchable
      disabled={disabled}
      dir="ltr"
      w="6rem"
    />
  );
}
