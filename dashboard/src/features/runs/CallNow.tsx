import { Button, Group, Modal, Select, Stack, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { phoneOptions } from "@/lib/phones";
import { Answer } from "@/ui/Answer";
import { ErrorNote } from "@/ui/ErrorNote";
import { PickPeople, type Person } from "./PickPeople";

const AT_ONCE = 3;

/** Call one to three people at once, without making a run first. */
export function CallNow({ opened, close }: { opened: boolean; close: () => void }) {
  const t = useT("runs");
  return (
    <Modal opened={opened} onClose={close} title={t("call_now.title")} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
      {opened && <Form close={close} />}
    </Modal>
  );
}

function Form({ close }: { close: () => void }) {
  const t = useT("runs");
  const navigate = useNavigate();
  const agents = api.useQuery("get", "/api/agents");
  const numbers = api.useQuery("get", "/api/business/numbers");
  const [chosen, setChosen] = useState<Person[]>([]);
  const [agent, setAgent] = useState<string | null>(null);
  const [from, setFrom] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const agentId = agent ?? agents.data?.[0]?.id;
  const number = from ?? numbers.data?.[0]?.e164;
  const call = async () => {
    if (!agentId || !number) return;
    setBusy(true);
    setError(null);
    try {
      const { data } = await client.POST("/api/runs/dial-now", {
        body: { lead_ids: chosen.map(({ id }) => id), options: { agent_id: agentId, from_number: number } as Schema<"RunOptionsIn"> },
      });
      close();
      if (data) await navigate({ to: `/runs/${data.id}` });
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t("call_now.body")}
      </Text>
      <PickPeople most={AT_ONCE} chosen={chosen} onChange={setChosen} />
      <Answer of={agents}>
        {(rows) => (
          <Select
            label={t("by.agent")}
            value={agentId ?? null}
            onChange={setAgent}
            allowDeselect={false}
            data={rows.map(({ id, name }) => ({ value: id, label: name }))}
            nothingFoundMessage={t("by.no_agent")}
          />
        )}
      </Answer>
      <Answer of={numbers}>
        {(rows) => (
          <Select
            label={t("by.from")}
            value={number ?? null}
            onChange={setFrom}
            allowDeselect={false}
            data={phoneOptions(rows.map(({ e164 }) => e164))}
            nothingFoundMessage={t("by.no_number")}
          />
        )}
      </Answer>
      {error !== null && <ErrorNote error={error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>
          {t("not_now")}
        </Button>
        <Button loading={busy} disabled={chosen.length === 0 || !agentId || !number} onClick={() => void call()}>
          {t("call_now.yes", { count: chosen.length })}
        </Button>
      </Group>
    </Stack>
  );
}
