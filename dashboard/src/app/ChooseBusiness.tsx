// A system admin's first page: every business, and a way into each.

import { Button, Card, Group, Stack, Text } from "@mantine/core";
import { IconBuildingStore } from "@tabler/icons-react";
import { useState } from "react";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { EmptyState } from "@/ui/EmptyState";
import { PageHeader } from "@/ui/PageHeader";

export function ChooseBusiness() {
  const t = useT("shell");
  const businesses = api.useQuery("get", "/api/admin/businesses");
  return (
    <>
      <PageHeader title={t("businesses.title")} about={t("businesses.intro")} />
      <Answer of={businesses}>
        {(found) =>
          found.length === 0 ? (
            <EmptyState icon={IconBuildingStore} title={t("businesses.none.title")} body={t("businesses.none.body")} />
          ) : (
            <Stack gap="xs">
              {found.map((business) => (
                <Entrance key={business.id} id={business.id} name={business.name} zone={business.time_zone} />
              ))}
            </Stack>
          )
        }
      </Answer>
    </>
  );
}

function Entrance({ id, name, zone }: { id: string; name: string; zone: string }) {
  const t = useT("shell");
  const { enter } = useSession();
  const [busy, setBusy] = useState(false);
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between">
        <div>
          <Text fw={600} dir="auto">
            {name}
          </Text>
          <Text size="sm" c="dimmed" dir="ltr">
            {zone}
          </Text>
        </div>
        <Button
          variant="default"
          loading={busy}
          aria-label={t("businesses.enter_named", { name })}
          onClick={() => {
            setBusy(true);
            void enter(id).finally(() => setBusy(false));
          }}
        >
          {t("businesses.enter")}
        </Button>
      </Group>
    </Card>
  );
}
