// A day, a clock and a length, in the business's zone whatever the browser's is.

import { Select, SimpleGrid, TextInput } from "@mantine/core";
import { useT } from "@/lib/i18n";
import { clockOf, minutesOf, type Day } from "./zoned";

export interface When {
  day: Day;
  /** Since midnight; null while what is typed is no clock. */
  minutes: number | null;
  length: number;
}

const LENGTHS = [15, 20, 30, 45, 60, 90, 120, 180, 240];

export function WhenFields({ when, onChange }: { when: When; onChange: (when: When) => void }) {
  const t = useT("appointments");
  const lengths = [...new Set([...LENGTHS, when.length])].sort((one, other) => one - other);
  return (
    <SimpleGrid cols={{ base: 2, xs: 3 }} spacing="sm" verticalSpacing="sm">
      <TextInput
        type="date"
        label={t("field.day")}
        required
        value={when.day}
        onChange={(event) => onChange({ ...when, day: event.currentTarget.value })}
      />
      <TextInput
        type="time"
        label={t("field.clock")}
        required
        value={when.minutes === null ? "" : clockOf(when.minutes)}
        onChange={(event) => onChange({ ...when, minutes: minutesOf(event.currentTarget.value) })}
      />
      <Select
        label={t("field.length")}
        data={lengths.map((length) => ({ value: String(length), label: t("minutes", { count: length }) }))}
        value={String(when.length)}
        onChange={(length) => onChange({ ...when, length: Number(length) })}
        allowDeselect={false}
      />
    </SimpleGrid>
  );
}
