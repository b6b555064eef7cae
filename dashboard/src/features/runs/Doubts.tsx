import { Alert, Group, List, Text } from "@mantine/core";
import { IconHelpCircle } from "@tabler/icons-react";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { Release } from "./Release";

const SHOWN = 20;

/** The dials of which nobody knows whether they rang: what that means, and who may let them go. */
export function Doubts({ run }: { run: Schema<"RunOut"> }) {
  const t = useT("runs");
  const time = useTime();
  const dials = api.useQuery("get", "/api/runs/{run_id}/attempts", {
    params: { path: { run_id: run.id }, query: { state: ["unknown"], released: false, limit: SHOWN } },
  });
  const rows = dials.data ?? [];
  if (rows.length === 0) return null;
  return (
    <Alert color="orange" icon={<IconHelpCircle size={20} />} title={t("doubt.title", { count: rows.length })} data-doubts>
      <Text size="sm">{t("doubt.about")}</Text>
      <List mt="xs" spacing="xs" listStyleType="none">
        {rows.map((dial) => (
          <List.Item key={dial.id}>
            <Group gap="xs">
              <bdi dir="ltr">{dial.phone}</bdi>
              {dial.name && <bdi>{dial.name}</bdi>}
              <Text size="sm" c="dimmed">
                {time.short(dial.created_at)}
              </Text>
              <Release runId={run.id} dial={dial} />
            </Group>
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}
