// What would come of a delivery: a body is read as if it had been sent, and nobody is made.

import { Alert, Button, Group, JsonInput, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useOwnNames } from "@/features/leads/useOwn";
import { client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { Facts } from "@/ui/Facts";
import { useAct } from "@/ui/act";
import { DeliveryBadge, Refusal } from "./Deliveries";

const FIRST = JSON.stringify({ phone: "+12125550123", name: "Dana Levi", email: "dana@example.com" }, null, 2);

export function TryIt({ webhookId }: { webhookId: string }) {
  const t = useT("leadflow");
  const named = useOwnNames();
  const act = useAct();
  const [words, setWords] = useState(FIRST);
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [trial, setTrial] = useState<Schema<"TrialOut"> | null>(null);
  const send = async () => {
    const body = objectOf(words);
    setFault(body ? null : t("try.no_json"));
    if (!body) return;
    setBusy(true);
    await act(async () => {
      const params = { path: { webhook_id: webhookId } };
      const { data } = await client.POST("/api/lead-webhooks/{webhook_id}/test", { params, body: { body } });
      setTrial(data ?? null);
    });
    setBusy(false);
  };
  return (
    <Stack gap="sm">
      <Text size="sm">{t("try.about")}</Text>
      <JsonInput label={t("try.body")} value={words} onChange={setWords} error={fault} autosize minRows={4} maxRows={14} dir="ltr" formatOnBlur />
      <Group>
        <Button size="xs" loading={busy} onClick={() => void send()}>
          {t("try.send")}
        </Button>
      </Group>
      {trial && (
        <Alert color={trial.status === 422 ? "red" : "green"} role="status" data-testid="trial">
          <Stack gap="xs">
            <Group gap="xs">
              <DeliveryBadge status={trial.status} />
              <Text size="sm">{t(`try.came.${trial.status}`)}</Text>
            </Group>
            <Refusal answer={trial.answer} />
            {trial.status !== 422 && (
              <Facts
                facts={Object.entries(trial.fields)
                  .filter(([, value]) => value && value !== "none")
                  .map(([name, value]) => ({ label: named(name) ?? t(`field.${name}`), value: <bdi>{value}</bdi> }))}
              />
            )}
          </Stack>
        </Alert>
      )}
    </Stack>
  );
}

function objectOf(words: string): Record<string, unknown> | null {
  try {
    const read: unknown = JSON.parse(words);
    return typeof read === "object" && read !== null && !Array.isArray(read) ? (read as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
