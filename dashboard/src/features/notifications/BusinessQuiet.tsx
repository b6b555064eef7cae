// The business's quiet hours, which are everybody's who has chosen none of their own.

import { Button, Group, Stack } from "@mantine/core";
import { useState } from "react";
import { api, client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { Panel } from "@/ui/Panel";
import { useKeptForm } from "@/ui/useKeptForm";
import { QuietFields, type Hours } from "./QuietFields";

export function BusinessQuiet() {
  const t = useT("notifications");
  const hours = api.useQuery("get", "/api/business/quiet-hours");
  return (
    <Panel title={t("quiet.of_business")} about={t("quiet.of_business_about")}>
      <Answer of={hours}>{({ quiet }) => <HoursForm standing={quiet ?? { from: "", to: "" }} />}</Answer>
    </Panel>
  );
}

function HoursForm({ standing }: { standing: Hours }) {
  const t = useT("notifications");
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const [form] = useKeptForm({ from: standing.from, to: standing.to });
  const { from, to } = form.values;
  const save = form.onSubmit(async () => {
    setBusy(true);
    const body = { quiet: from && to ? { from, to } : null };
    await act(() => client.PUT("/api/business/quiet-hours", { body }), t("settings.saved"));
    setBusy(false);
  });
  return (
    <form onSubmit={save}>
      <Stack gap="sm">
        <QuietFields value={{ from, to }} onChange={(hours) => form.setValues(hours)} />
        <Group>
          <Button type="submit" variant="default" loading={busy} disabled={(from === "") !== (to === "")}>
            {t("quiet.save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
