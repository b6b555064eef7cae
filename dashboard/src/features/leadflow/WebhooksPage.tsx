// The doors by which forms and programs bring leads: each with its address, its secret and what came through it.

import { Badge, Button, Card, Code, CopyButton, Group, Modal, Stack, Switch, Tabs, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconCheck, IconCopy, IconPencil, IconPlus, IconRefresh, IconTrash, IconWebhook } from "@tabler/icons-react";
import { useState } from "react";
import { SettingsTabs } from "@/features/settings/SettingsTabs";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { EmptyState } from "@/ui/EmptyState";
import { Moment } from "@/ui/Moment";
import { Notice } from "@/ui/Notice";
import { StatusBadge } from "@/ui/StatusBadge";
import { Deliveries } from "./Deliveries";
import { TryIt } from "./TryIt";
import { WebhookForm } from "./WebhookForm";

type Webhook = Schema<"WebhookOut">;

export default function WebhooksPage() {
  const t = useT("leadflow");
  const found = api.useQuery("get", "/api/lead-webhooks");
  const [editing, edit] = useState<Webhook | "new" | null>(null);
  const [secret, showSecret] = useState<Schema<"WebhookWithSecret"> | null>(null);
  const isFull = found.data !== undefined && found.data.webhooks.length >= found.data.most;
  const button = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => edit("new")} disabled={found.data === undefined || isFull}>
      {t("webhooks.new")}
    </Button>
  );
  return (
    <>
      <SettingsTabs title={t("webhooks.title")} about={t("webhooks.about")} actions={button} />
      <Answer of={found}>
        {({ webhooks, most, fields }) => (
          <Stack>
            {webhooks.length === 0 && (
              <EmptyState icon={IconWebhook} title={t("webhooks.empty.title")} body={t("webhooks.empty.body")}>
                <Button onClick={() => edit("new")}>{t("webhooks.new")}</Button>
              </EmptyState>
            )}
            {webhooks.map((webhook) => (
              <WebhookCard key={webhook.id} webhook={webhook} edit={() => edit(webhook)} showSecret={showSecret} />
            ))}
            {isFull && <Notice>{t("webhooks.full", { most })}</Notice>}
            <Modal
              opened={editing !== null}
              onClose={() => edit(null)}
              title={t(editing === "new" ? "webhooks.new" : "webhooks.edit")}
              size="lg"
              closeButtonProps={{ "aria-label": t("close") }}
            >
              {editing !== null && (
                <WebhookForm
                  webhook={editing === "new" ? null : editing}
                  fields={fields}
                  done={(made) => {
                    edit(null);
                    if (made) showSecret(made);
                  }}
                />
              )}
            </Modal>
          </Stack>
        )}
      </Answer>
      <SecretShown of={secret} close={() => showSecret(null)} />
    </>
  );
}

interface CardProps {
  webhook: Webhook;
  edit: () => void;
  showSecret: (made: Schema<"WebhookWithSecret">) => void;
}

function WebhookCard({ webhook, edit, showSecret }: CardProps) {
  const t = useT("leadflow");
  const act = useAct();
  const confirm = useConfirm();
  const [looking, look] = useDisclosure();
  const params = { path: { webhook_id: webhook.id } };
  const turn = (is_on: boolean) =>
    act(() => client.PATCH("/api/lead-webhooks/{webhook_id}", { params, body: { version: webhook.version, is_on } }));
  const rotate = async () => {
    const sure = await confirm({ title: t("secret.again_title", { name: webhook.name }), body: t("secret.again_body"), confirm: t("secret.again"), mild: true });
    if (!sure) return;
    await act(async () => {
      const { data } = await client.POST("/api/lead-webhooks/{webhook_id}/rotate", { params, body: { at_once: false } });
      if (data) showSecret(data);
    });
  };
  const remove = async () => {
    const sure = await confirm({ title: t("webhooks.remove_title", { name: webhook.name }), body: t("webhooks.remove_body"), confirm: t("webhooks.remove") });
    if (sure) await act(() => client.DELETE("/api/lead-webhooks/{webhook_id}", { params }), t("webhooks.removed"));
  };
  return (
    <Card withBorder component="section" aria-label={webhook.name} data-webhook={webhook.id}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <Group gap="xs">
            <Title order={2}>
              <bdi>{webhook.name}</bdi>
            </Title>
            <StatusBadge tone={webhook.is_on ? "good" : "quiet"}>{t(webhook.is_on ? "webhooks.is_on" : "webhooks.is_off")}</StatusBadge>
          </Group>
          <Switch
            checked={webhook.is_on}
            onChange={(event) => void turn(event.currentTarget.checked)}
            label={t("webhooks.takes")}
            aria-label={t("webhooks.takes_of", { name: webhook.name })}
          />
        </Group>
        <Copyable label={t("webhooks.url")} value={webhook.url} />
        <Group gap="xs">
          <Badge variant="default" dir="ltr">{`•••• ${webhook.last_four}`}</Badge>
          {webhook.old_until && (
            <Text size="xs" c="dimmed">
              {t("secret.old_until")} <Moment at={webhook.old_until} how="dateTime" />
            </Text>
          )}
          {webhook.tags.map((tag) => (
            <Badge key={tag} variant="outline" color="gray" size="sm">
              <bdi>{tag}</bdi>
            </Badge>
          ))}
        </Group>
        <Group gap="xs">
          <Button size="xs" variant="default" leftSection={<IconPencil size={14} />} onClick={edit} aria-label={t("webhooks.edit_of", { name: webhook.name })}>
            {t("webhooks.edit")}
          </Button>
          <Button size="xs" variant="default" leftSection={<IconRefresh size={14} />} onClick={() => void rotate()} aria-label={t("secret.again_of", { name: webhook.name })}>
            {t("secret.again")}
          </Button>
          <Button size="xs" variant="default" onClick={look.toggle} aria-expanded={looking} aria-label={t("webhooks.more_of", { name: webhook.name })}>
            {t("webhooks.more")}
          </Button>
          <Button size="xs" variant="subtle" color="red" leftSection={<IconTrash size={14} />} onClick={() => void remove()} aria-label={t("webhooks.remove_of", { name: webhook.name })}>
            {t("webhooks.remove")}
          </Button>
        </Group>
        {looking && (
          <Tabs defaultValue="deliveries">
            <Tabs.List>
              <Tabs.Tab value="deliveries">{t("deliveries.title")}</Tabs.Tab>
              <Tabs.Tab value="example">{t("example.title")}</Tabs.Tab>
              <Tabs.Tab value="try">{t("try.title")}</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="deliveries" pt="sm">
              <Deliveries webhookId={webhook.id} name={webhook.name} />
            </Tabs.Panel>
            <Tabs.Panel value="example" pt="sm">
              <Stack gap="xs">
                <Text size="sm">{t("example.about")}</Text>
                <Copyable label={t("example.title")} value={exampleOf(webhook.url, t("example.secret"))} block />
              </Stack>
            </Tabs.Panel>
            <Tabs.Panel value="try" pt="sm">
              <TryIt webhookId={webhook.id} />
            </Tabs.Panel>
          </Tabs>
        )}
      </Stack>
    </Card>
  );
}

function exampleOf(url: string, secret: string): string {
  return [
    `curl -X POST ${url} \\`,
    `  -H "Authorization: Bearer ${secret}" \\`,
    '  -H "Content-Type: application/json" \\',
    '  -H "Idempotency-Key: form-1" \\',
    `  -d '{"phone": "+12125550123", "name": "Dana Levi", "email": "dana@example.com"}'`,
  ].join("\n");
}

/** Something that is copied more than it is read. */
function Copyable({ label, value, block = false }: { label: string; value: string; block?: boolean }) {
  const t = useT("leadflow");
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Code block={block} dir="ltr" tabIndex={0} aria-label={label} style={{ overflow: "auto", whiteSpace: block ? "pre" : "nowrap" }}>
        {value}
      </Code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Button
            size="compact-sm"
            variant="default"
            onClick={copy}
            leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
            aria-label={t("copy_of", { what: label })}
            style={{ flexShrink: 0 }}
          >
            {t(copied ? "copied" : "copy")}
          </Button>
        )}
      </CopyButton>
    </Group>
  );
}

function SecretShown({ of, close }: { of: Schema<"WebhookWithSecret"> | null; close: () => void }) {
  const t = useT("leadflow");
  return (
    <Modal opened={of !== null} onClose={close} title={t("secret.title")} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
      {of && (
        <Stack>
          <Text size="sm">{t("secret.once")}</Text>
          <Copyable label={t("secret.title")} value={of.secret} />
          <Text size="sm">{t("example.about")}</Text>
          <Copyable label={t("example.title")} value={exampleOf(of.url, of.secret)} block />
          <Group justify="flex-end">
            <Button onClick={close}>{t("secret.kept")}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
