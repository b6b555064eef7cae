// The business's telephone numbers, and who answers them.

import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { IconPhone, IconPlus } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { DataTable, type Column } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorNote } from "@/ui/ErrorNote";
import { Panel } from "@/ui/Panel";
import { SettingsTabs } from "./SettingsTabs";

type PhoneNumber = Schema<"NumberOut">;

/** The business's agents, for a choice; the empty one is nobody. */
function useAgentOptions(): { value: string; label: string }[] {
  const t = useT("settings");
  const agents = api.useQuery("get", "/api/agents");
  const named = (agents.data ?? []).map((agent) => ({ value: agent.id, label: agent.name }));
  return [{ value: "", label: t("numbers.nobody") }, ...named];
}

export default function NumbersPage() {
  const t = useT("settings");
  const [adding, { open, close }] = useDisclosure(false);
  const numbers = api.useQuery("get", "/api/business/numbers");
  const add = (
    <Button leftSection={<IconPlus size={18} />} onClick={open}>
      {t("numbers.add")}
    </Button>
  );
  const columns: Column<PhoneNumber>[] = [
    { id: "number", header: t("numbers.number"), cell: (row) => <bdi dir="ltr">{row.e164}</bdi>, whole: true },
    { id: "agent", header: t("numbers.answers"), cell: (row) => <Answering row={row} /> },
  ];
  return (
    <>
      <SettingsTabs title={t("numbers.title")} about={t("numbers.about")} actions={add} />
      <Answer of={numbers}>
        {(rows) =>
          rows.length === 0 ? (
            <EmptyState icon={IconPhone} title={t("numbers.none.title")} body={t("numbers.none.body")}>
              {add}
            </EmptyState>
          ) : (
            <Panel>
              <DataTable label={t("numbers.title")} columns={columns} rows={rows} keyOf={(row) => row.id} least="24rem" />
            </Panel>
          )
        }
      </Answer>
      <Modal opened={adding} onClose={close} title={t("numbers.add")} closeButtonProps={{ "aria-label": t("close") }}>
        <AddForm onClose={close} />
      </Modal>
    </>
  );
}

function Answering({ row }: { row: PhoneNumber }) {
  const t = useT("settings");
  const act = useAct();
  const agents = useAgentOptions();
  const [busy, setBusy] = useState(false);
  const assign = async (agent: string | null) => {
    setBusy(true);
    const params = { path: { number_id: row.id } };
    await act(
      () => client.PATCH("/api/business/numbers/{number_id}", { params, body: { agent_id: agent || null } }),
      t("saved"),
    );
    setBusy(false);
  };
  return (
    <Select
      aria-label={t("numbers.answers_of", { number: row.e164 })}
      data={agents}
      value={row.agent_id ?? ""}
      onChange={(agent) => void assign(agent)}
      allowDeselect={false}
      disabled={busy}
      maw="20rem"
    />
  );
}

function AddForm({ onClose }: { onClose: () => void }) {
  const t = useT("settings");
  const agents = useAgentOptions();
  const [number, setNumber] = useState("");
  const [agent, setAgent] = useState<string | null>("");
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      await client.POST("/api/business/numbers", { body: { number, agent_id: agent || null } });
    } catch (error) {
      setFailure(error);
      return;
    } finally {
      setBusy(false);
    }
    onClose();
    notifications.show({ color: "trunk", message: t("numbers.added") });
  };
  return (
    <form onSubmit={(event) => void save(event)}>
      <Stack>
        {failure !== null && <ErrorNote error={failure} />}
        <TextInput
          type="tel"
          label={t("numbers.number")}
          description={t("numbers.number_hint")}
          value={number}
          onChange={(event) => setNumber(event.currentTarget.value)}
          dir="ltr"
          required
          withAsterisk={false}
          data-autofocus
        />
        <Select label={t("numbers.answers")} data={agents} value={agent} onChange={setAgent} allowDeselect={false} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" loading={busy}>
            {t("numbers.add")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
