// The business's own keys at providers: written here, and never read.

import { Badge, Button, Card, Group, PasswordInput, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { Moment } from "@/ui/Moment";
import { Notice } from "@/ui/Notice";
import { StatusBadge } from "@/ui/StatusBadge";
import { SettingsTabs } from "./SettingsTabs";

/** The providers' own names, which are the same in every language. */
const PROVIDERS = { openai: "OpenAI", anthropic: "Anthropic", gemini: "Google Gemini", deepgram: "Deepgram", elevenlabs: "ElevenLabs" };
type Provider = keyof typeof PROVIDERS;

export default function KeysPage() {
  const t = useT("settings");
  const keys = api.useQuery("get", "/api/business/keys");
  return (
    <>
      <SettingsTabs title={t("keys.title")} about={t("keys.about")} />
      <Answer of={keys}>
        {(rows) => (
          <Stack>
            {rows.length === 0 && <Notice>{t("keys.none")}</Notice>}
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              {(Object.keys(PROVIDERS) as Provider[]).map((provider) => (
                <KeyCard key={provider} provider={provider} kept={rows.find((row) => row.provider === provider)} />
              ))}
            </SimpleGrid>
          </Stack>
        )}
      </Answer>
    </>
  );
}

function KeyCard({ provider, kept }: { provider: Provider; kept: Schema<"KeyOut"> | undefined }) {
  const t = useT("settings");
  const act = useAct();
  const confirm = useConfirm();
  const [changing, setChanging] = useState(false);
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const name = PROVIDERS[provider];
  const params = { path: { provider } };

  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const done = await act(
      () => client.PUT("/api/business/keys/{provider}", { params, body: { key } }),
      t("keys.saved", { provider: name }),
    );
    setBusy(false);
    if (!done) return;
    setKey("");
    setChanging(false);
  };
  const remove = async () => {
    const sure = await confirm({
      title: t("keys.remove.title", { provider: name }),
      body: t("keys.remove.body"),
      confirm: t("keys.remove.confirm"),
    });
    if (sure) await act(() => client.DELETE("/api/business/keys/{provider}", { params }), t("keys.remove.done"));
  };
  const close = () => {
    setKey("");
    setChanging(false);
  };

  return (
    <Card withBorder component="section" aria-label={name} data-provider={provider}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2}>{name}</Title>
          {kept && !kept.opens ? (
            <StatusBadge tone="bad">{t("keys.lost")}</StatusBadge>
          ) : (
            <StatusBadge tone={kept ? "good" : "quiet"}>{kept ? t("keys.own") : t("keys.house")}</StatusBadge>
          )}
        </Group>
        <Text size="sm" c="dimmed">
          {t(`keys.for.${provider}`)}
        </Text>
        {kept && (
          <Group gap="xs">
            <Badge variant="default" leftSection={<IconKey size={12} />} dir="ltr">
              {`•••• ${kept.last_four}`}
            </Badge>
            <Text size="xs" c="dimmed">
              {t("keys.set_by")} <bdi dir="ltr">{kept.set_by}</bdi>, <Moment at={kept.set_at} />
            </Text>
          </Group>
        )}
        {kept && !kept.opens && <Text size="sm">{t("keys.lost_what_to_do")}</Text>}
        {changing ? (
          <form onSubmit={(event) => void save(event)}>
            <Stack gap="xs">
              <PasswordInput
                label={t("keys.key_of", { provider: name })}
                value={key}
                onChange={(event) => setKey(event.currentTarget.value)}
                dir="ltr"
                required
                withAsterisk={false}
                autoComplete="off"
                autoFocus
                minLength={16}
                visibilityToggleButtonProps={{ "aria-label": t("password.show") }}
              />
              <Group gap="xs">
                <Button type="submit" loading={busy} size="xs">
                  {t("keys.save")}
                </Button>
                <Button variant="default" size="xs" onClick={close}>
                  {t("cancel")}
                </Button>
              </Group>
            </Stack>
          </form>
        ) : (
          <Group gap="xs">
            <Button variant="default" size="xs" onClick={() => setChanging(true)} aria-label={t(kept ? "keys.replace_of" : "keys.add_of", { provider: name })}>
              {kept ? t("keys.replace") : t("keys.add")}
            </Button>
            {kept && (
              <Button variant="subtle" color="red" size="xs" onClick={() => void remove()} aria-label={t("keys.remove_of", { provider: name })}>
                {t("keys.remove.confirm")}
              </Button>
            )}
          </Group>
        )}
      </Stack>
    </Card>
  );
}
