// Days on which nobody works in a calendar.

import { ActionIcon, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconMinus, IconPlus } from "@tabler/icons-react";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";

export interface DayOff {
  from: string;
  to: string;
  name: string;
}

export function DaysOffField({ value, onChange }: { value: DayOff[]; onChange: (days: DayOff[]) => void }) {
  const t = useT("appointments");
  const time = useTime();
  const put = (index: number, change: Partial<DayOff>) =>
    onChange(
      value.map((one, at) => {
        if (at !== index) return one;
        const next = { ...one, ...change };
        return next.to < next.from ? { ...next, to: next.from } : next;
      }),
    );
  const add = () => {
    const today = time.dayKey(new Date());
    onChange([...value, { from: today, to: today, name: "" }]);
  };
  return (
    <Stack gap={6} role="group" aria-label={t("days_off.title")}>
      <Text size="sm" fw={500}>
        {t("days_off.title")}
      </Text>
      {value.map((day, index) => (
        <Group key={index} gap={6}>
          <TextInput
            type="date"
            size="xs"
            required
            aria-label={t("days_off.from")}
            value={day.from}
            onChange={(event) => put(index, { from: event.currentTarget.value })}
          />
          <TextInput
            type="date"
            size="xs"
            required
            aria-label={t("days_off.to")}
            value={day.to}
            onChange={(event) => put(index, { to: event.currentTarget.value })}
          />
          <TextInput
            size="xs"
            dir="auto"
            aria-label={t("days_off.name")}
            placeholder={t("days_off.name")}
            maxLength={100}
            value={day.name}
            onChange={(event) => put(index, { name: event.currentTarget.value })}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t("days_off.less")}
            onClick={() => onChange(value.filter((_, at) => at !== index))}
          >
            <IconMinus size={16} />
          </ActionIcon>
        </Group>
      ))}
      <Group>
        <Button variant="subtle" size="compact-sm" leftSection={<IconPlus size={14} />} onClick={add}>
          {t("days_off.more")}
        </Button>
      </Group>
    </Stack>
  );
}
