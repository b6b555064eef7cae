// What of an appointment is handed on: its link for the person, and the event for a calendar.

import { Anchor, Button, Code, CopyButton, Group, Stack } from "@mantine/core";
import { IconCalendarDown, IconCheck, IconCopy, IconLink } from "@tabler/icons-react";
import { useState } from "react";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import type { Appointment } from "./grid";

export function Handing({ appointment }: { appointment: Appointment }) {
  const t = useT("appointments");
  const act = useAct();
  const { may } = useSession();
  const [link, setLink] = useState<string | null>(null);
  const [isAhead] = useState(() => Date.parse(appointment.starts_at) > Date.now());
  const ask = () =>
    act(async () => {
      const path = { appointment_id: appointment.id };
      const { data } = await client.POST("/api/appointments/{appointment_id}/link", { params: { path } });
      setLink(data?.link ?? null);
    });
  return (
    <Stack gap="xs">
      <Group gap="md">
        <Anchor size="sm" href={`/api/appointments/${appointment.id}/ics`} download="appointment.ics">
          <Group gap={4}>
            <IconCalendarDown size={16} aria-hidden />
            {t("ics")}
          </Group>
        </Anchor>
        {may("agent") && isAhead && appointment.state === "booked" && link === null && (
          <Button size="compact-sm" variant="subtle" leftSection={<IconLink size={16} />} onClick={() => void ask()}>
            {t("link.show")}
          </Button>
        )}
      </Group>
      {link !== null && (
        <Group gap="xs" wrap="nowrap">
          <Code dir="ltr" tabIndex={0} aria-label={t("link.show")} data-testid="customer-link" flex={1} mah="3rem" style={{ overflow: "auto" }}>
            {link}
          </Code>
          <CopyButton value={link}>
            {({ copied, copy }) => (
              <Button size="xs" variant="default" onClick={copy} leftSection={copied ? <IconCheck size={16} /> : <IconCopy size={16} />}>
                {t(copied ? "link.copied" : "link.copy")}
              </Button>
            )}
          </CopyButton>
        </Group>
      )}
    </Stack>
  );
}
