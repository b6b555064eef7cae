// Into which statuses leads go by what their calls come to.

import { ActionIcon, Alert, Badge, Button, Group, NumberInput, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { SettingsTabs } from "@/features/settings/SettingsTabs";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { TextLink } from "@/ui/LinkTo";
import { Panel } from "@/ui/Panel";
import { useKeptForm } from "@/ui/useKeptForm";

type Rules = Schema<"StatusRulesOut">;
type Status = Schema<"StatusOut">;

const WORD = /^[a-z][a-z0-9_]{0,39}$/;

export default function StatusRulesPage() {
  const t = useT("leadflow");
  const rules = api.useQuery("get", "/api/lead-status-rules");
  const statuses = api.useQuery("get", "/api/lead-statuses");
  return (
    <>
      <SettingsTabs title={t("rules.title")} about={t("rules.about")} />
      <Answer of={statuses}>
        {(all) => <Answer of={rules}>{(now) => <RulesForm rules={now} statuses={all} />}</Answer>}
      </Answer>
    </>
  );
}

function RulesForm({ rules, statuses }: { rules: Rules; statuses: Status[] }) {
  const t = useT("leadflow");
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const [own, setOwn] = useState("");
  const [form] = useKeptForm({
    is_on: rules.is_on,
    goes_back: rules.goes_back,
    reopens: rules.reopens,
    percent: Math.round(Number(rules.least_confidence) * 100) as number | string,
    rules: rules.rules ?? {},
  });
  const save = form.onSubmit(async ({ percent, ...values }) => {
    setBusy(true);
    const body = { ...values, least_confidence: Number(percent) / 100 };
    await act(() => client.PUT("/api/lead-status-rules", { body }), t("saved"));
    setBusy(false);
  });
  const give = (outcome: string, status: string | null) => {
    const others = Object.entries(form.values.rules).filter(([name]) => name !== outcome);
    form.setFieldValue("rules", Object.fromEntries(status === null ? others : [...others, [outcome, status]]));
  };
  const known = rules.known_outcomes;
  const ownWords = Object.keys(form.values.rules).filter((outcome) => !known.includes(outcome));
  const choices = statuses.map((status) => ({ value: status.id, label: status.name }));
  const word = own.trim().toLowerCase().replaceAll(" ", "_");
  const first = statuses[0]?.id;
  return (
    <form onSubmit={save}>
      <Stack>
        <Panel>
          <Stack gap="sm">
            <Switch
              {...form.getInputProps("is_on", { type: "checkbox" })}
              label={t("rules.on")}
              description={t("rules.on_about")}
            />
            {form.values.is_on && Object.keys(form.values.rules).length === 0 && (
              <Alert color="yellow">{t("rules.none")}</Alert>
            )}
            <Text size="sm" c="dimmed">
              {t("rules.where")}{" "}
              <TextLink to="/leads/board" underline="always">
                {t("rules.board")}
              </TextLink>
            </Text>
          </Stack>
        </Panel>
        <Panel title={t("rules.which")} about={t("rules.which_about")}>
          <Stack gap="xs">
            {[...known, ...ownWords].map((outcome) => (
              <Group key={outcome} gap="sm" wrap="nowrap" justify="space-between" data-outcome={outcome}>
                <div>
                  <Text size="sm" fw={500}>
                    {known.includes(outcome) ? t(`outcome.${outcome}`) : <bdi dir="ltr">{outcome}</bdi>}
                  </Text>
                  {known.includes(outcome) && (
                    <Text size="xs" c="dimmed">
                      {t(`outcome_means.${outcome}`)}
                    </Text>
                  )}
                </div>
                <Group gap={4} wrap="nowrap">
                  <Select
                    w={{ base: "9rem", sm: "14rem" }}
                    size="sm"
                    aria-label={t("rules.status_of", { outcome: known.includes(outcome) ? t(`outcome.${outcome}`) : outcome })}
                    placeholder={t("rules.stays")}
                    data={choices}
                    value={form.values.rules[outcome] ?? null}
                    onChange={(status) => give(outcome, status)}
                    clearable
                    clearButtonProps={{ "aria-label": t("rules.clear") }}
                  />
                  {!known.includes(outcome) && (
                    <ActionIcon variant="subtle" color="red" aria-label={t("rules.remove", { outcome })} onClick={() => give(outcome, null)}>
                      <IconTrash size={16} />
                    </ActionIcon>
                  )}
                </Group>
              </Group>
            ))}
            <Group align="flex-end" gap="xs" mt="xs">
              <TextInput
                size="sm"
                label={t("rules.own")}
                description={t("rules.own_about")}
                value={own}
                onChange={(event) => setOwn(event.currentTarget.value)}
                dir="ltr"
              />
              <Button
                size="sm"
                variant="default"
                leftSection={<IconPlus size={16} />}
                disabled={!WORD.test(word) || known.includes(word) || !first}
                onClick={() => {
                  if (first) give(word, first);
                  setOwn("");
                }}
              >
                {t("rules.add")}
              </Button>
            </Group>
          </Stack>
        </Panel>
        <Panel title={t("rules.how")}>
          <Stack gap="md">
            <Switch
              {...form.getInputProps("goes_back", { type: "checkbox" })}
              label={t("rules.goes_back")}
              description={t("rules.goes_back_about")}
            />
            <Switch
              {...form.getInputProps("reopens", { type: "checkbox" })}
              label={
                <Group gap={6}>
                  {t("rules.reopens")}
                  {statuses
                    .filter((status) => status.is_closed)
                    .map((status) => (
                      <Badge key={status.id} size="xs" color={status.colour}>
                        <bdi>{status.name}</bdi>
                      </Badge>
                    ))}
                </Group>
              }
              description={t("rules.reopens_about")}
            />
            <NumberInput
              {...form.getInputProps("percent")}
              label={t("rules.confidence")}
              description={t("rules.confidence_about")}
              min={0}
              max={100}
              suffix="%"
              maw="20rem"
              required
              withAsterisk={false}
            />
          </Stack>
        </Panel>
        <Group>
          <Button type="submit" loading={busy}>
            {t("save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
