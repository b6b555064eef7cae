// Appointments that are over, of which nobody has said whether their person came.

import { Alert, Button, Group, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconUserQuestion } from "@tabler/icons-react";
import { useState } from "react";
import { useT } from "@/lib/i18n";
import { api } from "@/lib/api";
import { useTime } from "@/lib/time";
import classes from "./Calendar.module.css";
import type { Appointment } from "./grid";
import { useMark } from "./useMark";

const SHOWN = 3;
const DAYS_MS = 14 * 86_400_000;

export function Unmarked({ open }: { open: (appointment: Appointment) => void }) {
  const t = useT("appointments");
  const time = useTime();
  const mark = useMark();
  // By whole days, and as of when the page was opened, so that it stays the same question.
  const [from] = useState(() => `${time.dayKey(new Date(Date.now() - DAYS_MS))}T00:00:00Z`);
  const { data } = api.useQuery("get", "/api/appointments", {
    params: { query: { unmarked: true, newest_first: true, limit: SHOWN + 1, from } },
  });
  const rows = data?.appointments ?? [];
  if (rows.length === 0) return null;
  return (
    <Alert color="blue" icon={<IconUserQuestion size={20} />} title={t("unmarked.title")} mb="sm">
      <Stack gap={6}>
        {rows.slice(0, SHOWN).map((row) => (
          <Group key={row.id} gap="xs">
            <UnstyledButton className={classes.who} onClick={() => open(row)}>
              <Text size="sm">
                <bdi>{row.lead_name || row.note || t("nobody")}</bdi> · {time.short(row.starts_at)}
              </Text>
            </UnstyledButton>
            <Button size="compact-xs" variant="light" color="green" onClick={() => void mark(row, "arrived")}>
              {t("mark.arrived")}
            </Button>
            <Button size="compact-xs" variant="light" color="red" onClick={() => void mark(row, "no_show")}>
              {t("mark.no_show")}
            </Button>
          </Group>
        ))}
        {rows.length > SHOWN && <Text size="sm">{t("unmarked.more")}</Text>}
      </Stack>
    </Alert>
  );
}
