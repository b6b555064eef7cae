import { ActionIcon, Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
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

type Row = [digits: string, meaning: string];

/** What is pressed on the telephone. Rows stay where they are while digits are typed, and are written after that. */
export function KeysField({ keys, meanings, path, onChange }: Props) {
  const t = useT("script");
  const [rows, setRows] = useState<Row[]>(() => Object.entries(keys));
  const written = JSON.stringify(keys);
  const [known, setKnown] = useState(written);
  // Changed from elsewhere: by taking back, or by another's save.
  if (written !== known) {
    setKnown(written);
    if (written !== JSON.stringify(Object.fromEntries(rows))) setRows(Object.entries(keys));
  }
  const write = (next: Row[]) => {
    setRows(next);
    const now = Object.fromEntries(next);
    if (JSON.stringify(now) !== written) onChange(now);
  };
  const replaced = (index: number, row: Row) => rows.map((old, at) => (at === index ? row : old));
  const isTwice = (digits: string) => rows.filter(([other]) => other === digits).length > 1;
  function add() {
    const taken = new Set(rows.map(([digits]) => digits));
    const free = Array.from({ length: 10 }, (_, digit) => String((digit + 1) % 10)).find((digit) => !taken.has(digit));
    const meant = new Set(rows.map(([, meaning]) => meaning));
    write([...rows, [free ?? "00", meanings.find((meaning) => !meant.has(meaning)) ?? meanings[0] ?? ""]]);
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
            error={isTwice(digits) && t("field.key_twice")}
            onChange={(event) => setRows(replaced(index, [event.currentTarget.value.replace(/\D/g, ""), meaning]))}
            onBlur={() => write(rows)}
          />
          <Select
            flex={1}
            aria-label={t("field.meaning")}
            allowDeselect={false}
            data={meanings.map((one) => ({ value: one, label: readable(one) }))}
            value={meaning}
            onChange={(next) => next && write(replaced(index, [digits, next]))}
          />
          <ActionIcon variant="subtle" color="red" aria-label={t("field.no_key", { digits })} onClick={() => write(rows.filter((_, at) => at !== index))}>
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
