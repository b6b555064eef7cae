// Calling one lead now: by which agent, from which number.

import { Button, Group, Modal, Select, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { phoneOptions } from "@/lib/phones";
import { Answer } from "@/ui/Answer";
import { ErrorNote } from "@/ui/ErrorNote";
import { nameOf, type Lead } from "./words";
import { notifications } from "@mantine/notifications";

export function CallLead({ lead, opened, close }: { lead: Lead; opened: boolean; close: () => void }) {
  const t = useT("leads");
  const title = t("call.title", { name: nameOf(lead) });
  return (
    <Modal opened={opened} onClose={close} title={title} closeButtonProps={{ "aria-label": t("close") }}>
      <Choice lead={lead} close={close} />
    </Modal>
  );
}

function Choice({ lead, close }: { lead: Lead; close: () => void }) {
  const agents = api.useQuery("get", "/api/agents", { params: { query: {} } });
  const numbers = api.useQuery("get", "/api/business/numbers");
  return (
    <Answer of={agents}>
      {(some) => (
        <Answer of={numbers}>{(ours) => <Form lead={lead} close={close} agents={some} numbers={ours} />}</Answer>
      )}
    </Answer>
  );
}

interface FormProps {
  lead: Lead;
  close: () => void;
  agents: Schema<"AgentRow">[];
  numbers: Schema<"NumberOut">[];
}

function Form({ lead, close, agents, numbers }: FormProps) {
  const t = useT("leads");
  const [agent, setAgent] = useState(agents[0]?.id ?? null);
  const [number, setNumber] = useState(numbers[0]?.e164 ?? null);
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const dial = async () => {
    if (!agent || !number) return;
    setBusy(true);
    setFailure(null);
    try {
      const options = { agent_id: agent, from_number: number } as Schema<"RunOptionsIn">;
      await client.POST("/api/runs/dial-now", { body: { lead_ids: [lead.id], options } });
      notifications.show({ color: "trunk", message: t("call.begun", { name: nameOf(lead) }) });
      close();
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  if (agents.length === 0 || numbers.length === 0) return <Text size="sm">{t("call.impossible")}</Text>;
  return (
    <Stack gap="sm">
      {failure !== null && <ErrorNote error={failure} />}
      <Text size="sm">{t("call.body")}</Text>
      <Select
        label={t("call.agent")}
        data={agents.map((one) => ({ value: one.id, label: one.name }))}
        value={agent}
        onChange={setAgent}
        allowDeselect={false}
      />
      <Select
        label={t("call.from")}
        data={phoneOptions(numbers.map((one) => one.e164))}
        value={number}
        onChange={setNumber}
        allowDeselect={false}
      />
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>
          {t("cancel")}
        </Button>
        <Button loading={busy} onClick={() => void dial()}>
          {t("call.button")}
        </Button>
      </Group>
    </Stack>
  );
}
