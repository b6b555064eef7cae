// The business's calendars: what each is open for, and whom it takes.

import { ActionIcon, Badge, Button, Card, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconCalendarPlus, IconPencil } from "@tabler/icons-react";
import { useState } from "react";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { PageHeader } from "@/ui/PageHeader";
import type { CalendarRow } from "./calendars";
import { CalendarForm } from "./CalendarForm";

export default function CalendarsPage() {
  const t = useT("appointments");
  const found = api.useQuery("get", "/api/calendars");
  const [edited, setEdited] = useState<CalendarRow | "new" | null>(null);
  return (
    <>
      <PageHeader title={t("calendars.title")} about={t("calendars.about")} back={{ to: "/appointments", label: t("title") }}>
        <Button leftSection={<IconCalendarPlus size={16} />} onClick={() => setEdited("new")}>
          {t("calendars.add")}
        </Button>
      </PageHeader>
      <Answer of={found}>
        {({ calendars }) => (
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
            {calendars.map((row) => (
              <CalendarCard key={row.id} row={row} edit={() => setEdited(row)} />
            ))}
          </SimpleGrid>
        )}
      </Answer>
      {edited && (
        <CalendarForm key={edited === "new" ? "new" : edited.id} row={edited === "new" ? null : edited} close={() => setEdited(null)} />
      )}
    </>
  );
}

function CalendarCard({ row, edit }: { row: CalendarRow; edit: () => void }) {
  const t = useT("appointments");
  const { slot_minutes: usual } = useBusiness();
  const facts = [
    t("calendars.slot", { count: row.slot_minutes ?? usual }),
    t(row.working_hours ? "calendars.own_hours" : "calendars.usual_hours"),
    (row.buffer_before > 0 || row.buffer_after > 0) &&
      t("calendars.buffers", { before: row.buffer_before, after: row.buffer_after }),
    row.visits.length > 0 && t("calendars.for_visits", { names: row.visits.join(", ") }),
    row.lead_tags.length > 0 && t("calendars.for_tags", { names: row.lead_tags.join(", ") }),
    row.agent_ids.length > 0 && t("calendars.for_agents", { count: row.agent_ids.length }),
  ].filter((fact) => typeof fact === "string");
  return (
    <Card withBorder component="article" aria-label={row.name}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Group gap="xs">
          <Badge variant="filled" color={row.colour} circle aria-hidden />
          <Title order={2} size="h4">
            <bdi>{row.name}</bdi>
          </Title>
          {row.is_default && <Badge variant="light">{t("calendars.default")}</Badge>}
          {!row.active && <Badge color="gray">{t("calendars.inactive")}</Badge>}
        </Group>
        <ActionIcon variant="subtle" aria-label={t("calendars.edit", { name: row.name })} onClick={edit}>
          <IconPencil size={18} />
        </ActionIcon>
      </Group>
      <Stack gap={2} mt="xs">
        {facts.map((fact) => (
          <Text key={fact} size="sm" c="dimmed">
            {fact}
          </Text>
        ))}
      </Stack>
    </Card>
  );
}
