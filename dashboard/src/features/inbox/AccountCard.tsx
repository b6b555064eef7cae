// One number that the business writes from.

import {
  Alert, Button, Card, Code, CopyButton, Group, Modal, NumberInput, Select, SimpleGrid, Stack, Text, TextInput, Title,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertTriangle, IconCopy } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { Moment } from "@/ui/Moment";
import { StatusBadge } from "@/ui/StatusBadge";
import { useKeptForm } from "@/ui/useKeptForm";
import { Secrets } from "./ConnectForm";
import { Templates } from "./Templates";
import { AI_MODES, type Account, type AiMode } from "./words";

const WHATSAPP = "whatsapp";

export function AccountCard({ account }: { account: Account }) {
  const t = useT("inbox");
  const isWhatsapp = account.provider === WHATSAPP;
  const [shown, show] = useState<"templates" | "hook" | null>(null);
  const [changing, keys] = useDisclosure();
  const toggle = (what: "templates" | "hook") => show(shown === what ? null : what);
  return (
    <Card withBorder component="section" aria-label={account.name} data-account={account.id}>
      <Stack gap="sm">
        <Group justify="space-between">
          <div>
            <Title order={2} dir="auto">
              {account.name}
            </Title>
            <Text size="sm" c="dimmed">
              {t(`provider.${account.provider}`)} · <bdi dir="ltr">{account.address}</bdi>
              {account.key_last_four && (
                <>
                  {" · "}
                  <bdi dir="ltr">{`•••• ${account.key_last_four}`}</bdi>
                </>
              )}
            </Text>
          </div>
          <StatusBadge tone={account.state === "connected" ? (account.trouble ? "wait" : "good") : "bad"}>
            {t(`accounts.state.${account.state}`)}
          </StatusBadge>
        </Group>
        {account.trouble && (
          <Alert color="yellow" icon={<IconAlertTriangle size={20} />} title={t("accounts.trouble")}>
            <Text size="sm" dir="auto" lang="en">
              {account.trouble}
            </Text>
          </Alert>
        )}
        {account.closed_until && (
          <Text size="sm">
            {t("accounts.closed_until")} <Moment at={account.closed_until} how="dateTime" />
          </Text>
        )}
        <Answering account={account} />
        <Group gap="xs">
          {isWhatsapp && (
            <>
              <Button size="xs" variant="default" aria-expanded={shown === "templates"} onClick={() => toggle("templates")}>
                {t("accounts.templates")}
              </Button>
              <Button size="xs" variant="default" onClick={keys.open}>
                {t("accounts.keys")}
              </Button>
            </>
          )}
          <Button size="xs" variant="default" aria-expanded={shown === "hook"} onClick={() => toggle("hook")}>
            {t("accounts.hook")}
          </Button>
          <Connection account={account} />
        </Group>
        {shown === "templates" && <Templates accountId={account.id} />}
        {shown === "hook" && <Hook accountId={account.id} />}
      </Stack>
      <Modal opened={changing} onClose={keys.close} title={t("accounts.keys")} closeButtonProps={{ "aria-label": t("close") }}>
        <Keys account={account} close={keys.close} />
      </Modal>
    </Card>
  );
}

/** Who answers there, and how long sessions last. */
function Answering({ account }: { account: Account }) {
  const t = useT("inbox");
  const act = useAct();
  const agents = api.useQuery("get", "/api/agents").data ?? [];
  const [busy, setBusy] = useState(false);
  const { name, ai_mode, session_minutes, return_days } = account;
  const [form, changed] = useKeptForm({ name, agent_id: account.agent_id ?? "", ai_mode, session_minutes, return_days });
  const isChanged = Object.keys(changed(form.values)).length > 0;
  const save = async () => {
    const { agent_id, ...rest } = changed(form.values);
    const body = { ...rest, ...(agent_id !== undefined && { agent_id: agent_id || null }) } as Schema<"AccountEdit">;
    setBusy(true);
    await act(() => client.PATCH("/api/chat-accounts/{account_id}", { params: { path: { account_id: account.id } }, body }), t("saved"));
    setBusy(false);
  };
  const mode = form.values.ai_mode;
  return (
    <form onSubmit={form.onSubmit(() => void save())}>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="sm">
        <TextInput label={t("accounts.field.name")} required withAsterisk={false} maxLength={100} dir="auto" {...form.getInputProps("name")} />
        <Select
          label={t("accounts.agent")}
          data={[{ value: "", label: t("accounts.no_agent") }, ...agents.map((one) => ({ value: one.id, label: one.name }))]}
          allowDeselect={false}
          {...form.getInputProps("agent_id")}
        />
        <Select
          label={t("accounts.ai")}
          data={AI_MODES.map((value) => ({ value, label: t(`ai.mode.${value}`) }))}
          allowDeselect={false}
          value={mode}
          onChange={(value) => form.setFieldValue("ai_mode", value as AiMode)}
          error={mode !== "off" && !form.values.agent_id ? t("accounts.agent_first") : undefined}
        />
        <NumberInput label={t("accounts.session")} description={t("accounts.session_about")} min={1} max={1_440} {...form.getInputProps("session_minutes")} />
        <NumberInput label={t("accounts.return")} description={t("accounts.return_about")} min={0} max={365} {...form.getInputProps("return_days")} />
      </SimpleGrid>
      {isChanged && (
        <Group gap="xs" mt="sm">
          <Button type="submit" size="xs" loading={busy}>
            {t("accounts.save")}
          </Button>
          <Button size="xs" variant="default" onClick={() => form.setValues({ name, agent_id: account.agent_id ?? "", ai_mode, session_minutes, return_days })}>
            {t("cancel")}
          </Button>
        </Group>
      )}
    </form>
  );
}

function Connection({ account }: { account: Account }) {
  const t = useT("inbox");
  const act = useAct();
  const confirm = useConfirm();
  const [busy, setBusy] = useState(false);
  const params = { path: { account_id: account.id } };
  const reconnect = async () => {
    setBusy(true);
    await act(() => client.POST("/api/chat-accounts/{account_id}/reconnect", { params }), t("accounts.reconnected"));
    setBusy(false);
  };
  const disconnect = async () => {
    const question = { title: t("accounts.disconnect.title", { name: account.name }), body: t("accounts.disconnect.body"), confirm: t("accounts.disconnect.confirm") };
    if (await confirm(question)) await act(() => client.POST("/api/chat-accounts/{account_id}/disconnect", { params }), t("accounts.disconnect.done"));
  };
  return (
    <>
      {(account.state === "disconnected" || account.trouble !== null) && (
        <Button size="xs" loading={busy} onClick={() => void reconnect()}>
          {t("accounts.reconnect")}
        </Button>
      )}
      {account.state === "connected" && (
        <Button size="xs" variant="subtle" color="red" onClick={() => void disconnect()}>
          {t("accounts.disconnect.confirm")}
        </Button>
      )}
    </>
  );
}

/** What is entered at the provider by hand, where it was not brought to by us. */
function Hook({ accountId }: { accountId: string }) {
  const t = useT("inbox");
  const hook = api.useQuery("get", "/api/chat-accounts/{account_id}/hook", { params: { path: { account_id: accountId } } });
  return (
    <Answer of={hook}>
      {({ url, verify_token }) => (
        <Stack gap="xs">
          <Text size="sm" c="dimmed" maw="48rem">
            {t("accounts.hook_about")}
          </Text>
          <Copied label={t("accounts.hook_url")} value={url} />
          <Copied label={t("accounts.hook_token")} value={verify_token} />
        </Stack>
      )}
    </Answer>
  );
}

function Copied({ label, value }: { label: string; value: string }) {
  const t = useT("inbox");
  return (
    <div>
      <Text size="sm" fw={500}>
        {label}
      </Text>
      <Group gap="xs">
        <Code dir="ltr" style={{ overflowWrap: "anywhere" }}>
          {value}
        </Code>
        <CopyButton value={value}>
          {({ copied, copy }) => (
            <Button size="compact-xs" variant="default" leftSection={<IconCopy size={13} />} onClick={copy} aria-label={t("accounts.copy_of", { what: label })}>
              {t(copied ? "accounts.copied" : "accounts.copy")}
            </Button>
          )}
        </CopyButton>
      </Group>
    </div>
  );
}

function Keys({ account, close }: { account: Account; close: () => void }) {
  const t = useT("inbox");
  const act = useAct();
  const [given, setGiven] = useState({ key: "", secret: "" });
  const [busy, setBusy] = useState(false);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const params = { path: { account_id: account.id } };
    const done = await act(() => client.PUT("/api/chat-accounts/{account_id}/keys", { params, body: given }), t("accounts.keys_saved"));
    setBusy(false);
    if (done) close();
  };
  return (
    <form onSubmit={(event) => void save(event)}>
      <Stack>
        <Text size="sm" c="dimmed">
          {t("accounts.keys_about")}
        </Text>
        <Secrets given={given} set={(change) => setGiven((before) => ({ ...before, ...change }))} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t("cancel")}
          </Button>
          <Button type="submit" loading={busy}>
            {t("accounts.save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
