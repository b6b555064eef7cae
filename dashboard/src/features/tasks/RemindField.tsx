// When one is reminded of a task: as one has chosen for all, or at times of its own.

import { MultiSelect, Select, Stack } from "@mantine/core";
import { useT } from "@/lib/i18n";
import { AHEAD, useAheadWords } from "@/features/notifications/ahead";

interface Props {
  /** Minutes before; null: as one has chosen for all. */
  value: number[] | null;
  /** Whether the task has a time; a day alone is reminded of in its morning. */
  timed: boolean;
  onChange: (minutes: number[] | null) => void;
}

export function RemindField({ value, timed, onChange }: Props) {
  const t = useT("tasks");
  const words = useAheadWords();
  const how = value === null ? "usual" : value.length === 0 ? "none" : "own";
  const choose = (next: string | null) => onChange(next === "usual" ? null : next === "none" ? [] : [30]);
  const kinds = timed || how === "own" ? ["usual", "none", "own"] : ["usual", "none"];
  return (
    <Stack gap="xs">
      <Select
        label={t("field.remind")}
        data={kinds.map((kind) => ({ value: kind, label: t(`remind.${kind}`) }))}
        value={how}
        onChange={choose}
        allowDeselect={false}
      />
      {how === "own" && (
        <MultiSelect
          aria-label={t("remind.own")}
          data={[...new Set([...AHEAD, ...(value ?? [])])].map((minutes) => ({ value: String(minutes), label: words(minutes) }))}
          value={(value ?? []).map(String)}
          onChange={(chosen) => onChange(chosen.map(Number))}
          maxValues={5}
        />
      )}
    </Stack>
  );
}
