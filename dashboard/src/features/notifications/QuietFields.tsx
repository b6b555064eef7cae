import { Group, TextInput } from "@mantine/core";
import { useT } from "@/lib/i18n";

export interface Hours {
  from: string;
  to: string;
}

/** From one time of the business's clock to another, over midnight if need be. */
export function QuietFields({ value, onChange }: { value: Hours; onChange: (hours: Hours) => void }) {
  const t = useT("notifications");
  return (
    <Group>
      {(["from", "to"] as const).map((end) => (
        <TextInput
          key={end}
          type="time"
          label={t(`quiet.${end}`)}
          value={value[end]}
          onChange={(event) => onChange({ ...value, [end]: event.currentTarget.value })}
        />
      ))}
    </Group>
  );
}
