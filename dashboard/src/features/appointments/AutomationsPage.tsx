// What is sent before and after appointments by itself.

import { ActionIcon, Badge, Button, Card, Group, Stack, Switch, Text } from "@mantine/core";
import { IconBellPlus, IconMail, IconPencil, IconPhone, IconBrandWhatsapp } from "@tabler/icons-react";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { EmptyState } from "@/ui/EmptyState";
import { PageHeader } from "@/ui/PageHeader";
import { AutomationForm } from "./AutomationForm";

type Automation = Schema<"AutomationOut">;
const ICONS: Record<string, typeof IconMail> = { email: IconMail, call: IconPhone, whatsapp: IconBrandWhatsapp };

export default function AutomationsPage() {
  const t = useT("appointments");
  const found = api.useQuery("get", "/api/appointment-automations");
  const [edited, setEdited] = useState<Automation | "new" | null>(null);
  return (
    <>
      <PageHeader title={t("automations.title")} about={t("automations.about")} back={{ to: "/appointments", label: t("title") }}>
        <Button leftSection={<IconBellPlus size={16} />} onClick={() => setEdited("new")}>
          {t("automations.add")}
        </Button>
      </PageHeader>
      <Answer of={found}>
        {(all) => (
          <>
            {all.automations.length === 0 && (
              <EmptyState icon={IconBellPlus} title={t("automations.empty_title")} body={t("automations.empty_body")}>
                <Button onClick={() => setEdited("new")}>{t("automations.add")}</Button>
              </EmptyState>
            )}
            <Stack gap="xs">
              {all.automations.map((row) => (
                <AutomationCard key={row.id} row={row} edit={() => setEdited(row)} />
              ))}
            </Stack>
            {edited && (
              <AutomationForm key={edited === "new" ? "new" : edited.id} row={edited === "new" ? null : edited} all={all} close={() => setEdited(null)} />
            )}
          </>
        )}
      </Answer>
    </>
  );
}

function AutomationCard({ row, edit }: { row: Automation; edit: () => void }) {
  const t = useT("appointments");
  const act = useAct();
  const Icon = ICONS[row.channel] ?? IconMail;
  const turn = (active: boolean) =>
    act(() =>
      client.PATCH("/api/appointment-automations/{automation_id}", {
        params: { path: { automation_id: row.id } },
        body: { active, version: row.version },
      }),
    );
  return (
    <Card withBorder padding="sm" component="article" aria-label={row.name}>
      <Group justify="space-between" wrap="nowrap">
        <Group gap="sm" wrap="nowrap">
          <Icon size={20} style={{ flexShrink: 0 }} aria-hidden />
          <div>
            <Text fw={600}>
              <bdi>{row.name}</bdi>
            </Text>
            <Group gap={6}>
              <Text size="sm" c="dimmed">
                <When of={row} />
              </Text>
              <Badge variant="light" color="gray">
                {t(`channel.${row.channel}`)}
              </Badge>
            </Group>
          </div>
        </Group>
        <Group gap="xs" wrap="nowrap">
          <Switch
            checked={row.active}
            aria-label={t("automations.active_of", { name: row.name })}
            onChange={(event) => void turn(event.currentTarget.checked)}
          />
          <ActionIcon variant="subtle" aria-label={t("automations.edit", { name: row.name })} onClick={edit}>
            <IconPencil size={18} />
          </ActionIcon>
        </Group>
      </Group>
    </Card>
  );
}

/** When it is due, in words. */
function When({ of: { moment, amount, unit } }: { of: Automation }) {
  const t = useT("appointments");
  const length = t(`unit.${unit}`, { count: amount });
  return amount === 0 ? t(`automations.at.${moment}`) : t(`automations.when.${moment}`, { length });
}
