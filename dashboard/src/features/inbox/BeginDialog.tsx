// The first words to a lead: from which number, and a template where the number wants one.

import { Alert, Button, Group, Modal, Select, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { isolated } from "@/lib/phones";
import { Answer } from "@/ui/Answer";
import { ErrorNote } from "@/ui/ErrorNote";
import { TextLink } from "@/ui/LinkTo";
import { PickLead } from "@/ui/PickLead";
import { useKeyFor } from "./key";
import { TemplateForm } from "./TemplateForm";
import type { Account } from "./words";

/** The provider that lets only templates begin a conversation. */
const WITH_TEMPLATES = "whatsapp";

interface Props {
  opened: boolean;
  leadId: string | null;
  close: () => void;
  begun: (conversationId: string) => void;
}

export function BeginDialog({ opened, leadId, close, begun }: Props) {
  const t = useT("inbox");
  return (
    <Modal opened={opened} onClose={close} title={t("begin.title")} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
      <Numbers leadId={leadId} begun={begun} />
    </Modal>
  );
}

function Numbers({ leadId, begun }: Pick<Props, "leadId" | "begun">) {
  const t = useT("inbox");
  const accounts = api.useQuery("get", "/api/chat-accounts");
  return (
    <Answer of={accounts}>
      {(all) => {
        const usable = all.filter(({ state }) => state === "connected");
        if (usable.length === 0) {
          return (
            <Alert color="yellow">
              {t("begin.no_number")} <TextLink to="/settings/messaging">{t("compose.to_settings")}</TextLink>
            </Alert>
          );
        }
        return <Form accounts={usable} leadId={leadId} begun={begun} />;
      }}
    </Answer>
  );
}

function Form({ accounts, leadId, begun }: { accounts: Account[] } & Pick<Props, "leadId" | "begun">) {
  const t = useT("inbox");
  const { keyFor } = useKeyFor();
  const [lead, setLead] = useState(leadId);
  const [accountId, setAccount] = useState(accounts[0]?.id ?? "");
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const account = accounts.find(({ id }) => id === accountId);
  const send = async (message: { text: string } | { template: Schema<"FilledTemplate"> }) => {
    if (!lead) return;
    setBusy(true);
    setFailure(null);
    try {
      const key = keyFor(JSON.stringify([lead, accountId, message]));
      const body = { account_id: accountId, lead_id: lead, message: { key, ...message } } as Schema<"ConversationIn">;
      const { data } = await client.POST("/api/conversations", { body });
      if (data) begun(data.conversation.id);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Stack>
      <PickLead label={t("begin.whom")} placeholder={t("begin.whom_hint")} nobody={t("begin.nobody")} value={lead} onChange={setLead} />
      <Select
        label={t("begin.from")}
        data={accounts.map((one) => ({ value: one.id, label: `${one.name} · ${isolated(one.address)}` }))}
        value={accountId}
        onChange={(id) => setAccount(id ?? "")}
        allowDeselect={false}
      />
      {failure !== null && <ErrorNote error={failure} />}
      {!lead && (
        <Text size="sm" c="dimmed">
          {t("begin.first_whom")}
        </Text>
      )}
      {lead && account?.provider === WITH_TEMPLATES && (
        <>
          <Text size="sm" c="dimmed">
            {t("begin.template_about")}
          </Text>
          <TemplateForm key={accountId} accountId={accountId} button={t("begin.send")} send={(template) => send({ template })} />
        </>
      )}
      {lead && account && account.provider !== WITH_TEMPLATES && (
        <>
          <Textarea label={t("begin.text")} autosize minRows={2} dir="auto" value={text} onChange={(event) => setText(event.currentTarget.value)} maxLength={1_600} />
          <Group justify="flex-end">
            <Button loading={busy} disabled={text.trim() === ""} onClick={() => void send({ text: text.trim() })}>
              {t("begin.send")}
            </Button>
          </Group>
        </>
      )}
    </Stack>
  );
}
