// What was and will be sent about an appointment by itself.

import { Group, Stack, Text } from "@mantine/core";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

const TONES: Record<string, Tone> = { waiting: "wait", sent: "good", skipped: "quiet", failed: "bad" };

export function Messages({ appointmentId }: { appointmentId: string }) {
  const t = useT("appointments");
  const time = useTime();
  const { data } = api.useQuery("get", "/api/appointments/{appointment_id}/messages", {
    params: { path: { appointment_id: appointmentId } },
  });
  const rows = data?.sendings ?? [];
  if (rows.length === 0) return null;
  return (
    <Stack gap={4} mt="sm" role="list" aria-label={t("messages.title")}>
      <Text size="sm" fw={600}>
        {t("messages.title")}
      </Text>
      {rows.map((row) => (
        <Group key={row.id} gap="xs" role="listitem">
          <StatusBadge tone={TONES[row.state] ?? "quiet"}>{t(`messages.state.${row.state}`)}</StatusBadge>
          <Text size="sm">
            <bdi>{row.automation}</bdi> · {time.short(row.done_at ?? row.due_at)}
          </Text>
          {row.reason && (
            <Text size="xs" c="dimmed">
              {t([`messages.reason.${row.reason}`, "messages.reason.other"], { reason: row.reason })}
            </Text>
          )}
        </Group>
      ))}
    </Stack>
  );
}
