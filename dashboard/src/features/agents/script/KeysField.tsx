import { ActionIcon, Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { FaultText } from "@/features/agents/faults";
import { readable } from "@/features/agents/script/model";
import { useT } from "@/lib/i18n";

interface Props {
  /** What is typed, and what it means. */
  keys: Record<string, string>;
  meanings: string[];
  path: string;
  onChange: (keys: Record<string, string>) => void;
}

export function KeysField({ keys, meanings, path, onChange }: Props) {
  const t = useT("script");
  const rows = Object.entries(keys);
  const set = (index: number, row: [string, string] | null) =>
    onChange(Object.fromEntries(rows.flatMap((old, at) => (at === index ? (row ? [row] : []) : [old]))));
  function add() {
    const free = Array.from({ length: 10 }, (_, digit) => String((digit + 1) % 10)).find((digit) => !(digit in keys));
    onChange({ ...keys, [free ?? "00"]: meanings.find((meaning) => !Object.values(keys).includes(meaning)) ?? meanings[0] ?? "" });
  }
  return (
    <Stack gap={6}>
      <Text size="sm" fw={500}>
        {t("field.keys")}
      </Text>
      {rows.map(([digits, meaning], index) => (
        <Group key={index} gap="xs" wrap="nowrap">
          <TextInput
            w="6rem"
            aria-label={t("field.digits")}
            dir="ltr"
            inputMode="numeric"
            maxLength={16}
            value={digits}
            onChange={(event) => set(index, [event.currentTarget.value.replace(/\D/g, ""), meaning])}
          />
          <Select
            flex={1}
            aria-label={t("field.meaning")}
            allowDeselect={false}
            data={meanings.map((one) => ({ value: one, label: readable(one) }))}
            value={meaning}
            onChange={(next) => next && set(index, [digits, next])}
          />
          <ActionIcon variant="subtle" color="red" aria-label={t("field.no_key", { digits })} onClick={() => set(index, null)}>
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      <FaultText path={path} below />
      <Group>
        <Button size="compact-sm" variant="default" leftSection={<IconPlus size={14} />} onClick={add} disabled={meanings.length === 0}>
          {t("field.add_key")}
        </Button>
      </Group>
    </Stack>
  );
}
