// What one is told and how, how early, and when not: one form, saved as a whole.

import { Button, Checkbox, Group, MultiSelect, Radio, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";
import { client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Panel } from "@/ui/Panel";
import { useKeptForm } from "@/ui/useKeptForm";
import { AHEAD, useAheadWords } from "./ahead";
import { QuietFields } from "./QuietFields";

type Choices = Schema<"ChoicesOut">;
type Way = "page" | "push" | "email";

const WAYS: Way[] = ["page", "push", "email"];
const USUAL = { from: "22:00", to: "07:00" };

export function ChoicesForm({ choices }: { choices: Choices }) {
  const t = useT("notifications");
  const act = useAct();
  const words = useAheadWords();
  const { time_zone: zone } = useBusiness();
  const [busy, setBusy] = useState(false);
  const [form] = useKeptForm({
    kinds: choices.kinds,
    ahead: choices.ahead.map(String),
    own_quiet: choices.own_quiet,
    quiet: choices.own_quiet ? choices.quiet : null,
  });
  const { kinds, ahead, own_quiet: own, quiet } = form.values;
  const whose = !own ? "business" : quiet ? "own" : "off";
  const save = form.onSubmit(async (values) => {
    setBusy(true);
    const body = {
      kinds: Object.fromEntries(values.kinds.map(({ kind, ...ways }) => [kind, ways])),
      ahead: values.ahead.map(Number),
      own_quiet: values.own_quiet,
      quiet: values.quiet,
    };
    await act(() => client.PUT("/api/notification-choices", { body }), t("settings.saved"));
    setBusy(false);
  });
  const set = (kind: string, way: Way, on: boolean) =>
    form.setFieldValue("kinds", kinds.map((row) => (row.kind === kind ? { ...row, [way]: on } : row)));
  const ofBusiness = choices.own_quiet || !choices.quiet ? null : choices.quiet;
  return (
    <form onSubmit={save}>
      <Stack>
        <Panel title={t("ways.title")} about={t("ways.about")}>
          <Table.ScrollContainer minWidth="24rem" scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": t("ways.title"), role: "region" } }}>
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("ways.kind")}</Table.Th>
                  {WAYS.map((way) => (
                    <Table.Th key={way}>{t(`ways.${way}`)}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {kinds.map((row) => (
                  <Table.Tr key={row.kind}>
                    <Table.Td>{t([`kind.${row.kind}.name`, "kind.other.text"])}</Table.Td>
                    {WAYS.map((way) => (
                      <Table.Td key={way}>
                        <Checkbox
                          aria-label={t("ways.choose", { kind: t([`kind.${row.kind}.name`, "kind.other.text"]), way: t(`ways.${way}`) })}
                          checked={row[way]}
                          disabled={way === "email" && !choices.has_mail}
                          onChange={(event) => set(row.kind, way, event.currentTarget.checked)}
                        />
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          {!choices.has_mail && (
            <Text size="xs" c="dimmed" mt="xs">
              {t("ways.no_mail")}
            </Text>
          )}
        </Panel>
        <Panel title={t("ahead.title")} about={t("ahead.about")}>
          <MultiSelect
            label={t("ahead.label")}
            placeholder={ahead.length === 0 ? t("ahead.none") : undefined}
            data={[...new Set([...AHEAD, ...ahead.map(Number)])].map((minutes) => ({ value: String(minutes), label: words(minutes) }))}
            value={ahead}
            onChange={(chosen) => form.setFieldValue("ahead", chosen)}
            maxValues={5}
            maw="36rem"
          />
        </Panel>
        <Panel title={t("quiet.title")} about={t("quiet.about", { zone })}>
          <Stack gap="sm">
            <Radio.Group
              label={t("quiet.whose")}
              value={whose}
              onChange={(next) => {
                form.setFieldValue("own_quiet", next !== "business");
                form.setFieldValue("quiet", next === "own" ? (quiet ?? USUAL) : null);
              }}
            >
              <Stack gap="xs" mt="xs">
                <Radio
                  value="business"
                  label={t("quiet.business", { hours: ofBusiness ? t("quiet.hours", ofBusiness) : t("quiet.none") })}
                />
                <Radio value="own" label={t("quiet.own")} />
                <Radio value="off" label={t("quiet.off")} />
              </Stack>
            </Radio.Group>
            {whose === "own" && quiet && <QuietFields value={quiet} onChange={(hours) => form.setFieldValue("quiet", hours)} />}
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
