// What of a new run is seldom changed: trying again, answering machines, and its pace.

import { Accordion, Group, NumberInput, Select, Stack, Table, Text, Textarea } from "@mantine/core";
import type { ReactNode } from "react";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { DIALS_AT_MOST, mostDials, type DraftProps, type Retry } from "./draft";
import { RETRYABLE } from "./words";

export function NewRunMore({ draft, set }: DraftProps) {
  const t = useT("runs");
  const { delay, detection, action, message, priority, ramp } = draft;
  return (
    <Accordion variant="contained" multiple chevronPosition="left">
      <Section value="again" title={t("again.title")}>
        <Group grow align="flex-start">
          <NumberInput label={t("again.attempts")} min={1} max={DIALS_AT_MOST} value={mostDials(draft)} onChange={(attempts) => set({ attempts })} />
          <NumberInput label={t("again.delay_minutes")} min={0} max={43_200} value={delay} onChange={(delay) => set({ delay })} />
        </Group>
        <Text size="sm" c="dimmed">
          {t("again.rules_about")}
        </Text>
        <Retries draft={draft} set={set} />
      </Section>
      <Section value="machine" title={t("machine.title")}>
        <Select
          label={t("machine.detection")}
          value={detection}
          onChange={(value) => set({ detection: (value ?? "heard") as Schema<"Detection"> })}
          allowDeselect={false}
          data={(["heard", "carrier", "off"] as const).map((value) => ({ value, label: t(`machine.detection_is.${value}`) }))}
        />
        {detection !== "off" && (
          <Select
            label={t("machine.action")}
            value={action}
            onChange={(value) => set({ action: (value ?? "hang_up") as Schema<"OnMachine"> })}
            allowDeselect={false}
            data={(["hang_up", "leave_message", "carry_on"] as const).map((value) => ({ value, label: t(`machine.action_is.${value}`) }))}
          />
        )}
        {detection !== "off" && action === "leave_message" && (
          <Textarea
            label={t("machine.message")}
            description={t("machine.message_about")}
            required
            maxLength={1000}
            autosize
            minRows={2}
            dir="auto"
            value={message}
            onChange={(event) => set({ message: event.currentTarget.value })}
          />
        )}
      </Section>
      <Section value="pace" title={t("how.title")}>
        <Group grow align="flex-start">
          <NumberInput label={t("how.priority")} description={t("how.priority_about")} min={-100} max={100} value={priority} onChange={(priority) => set({ priority })} />
          <NumberInput label={t("how.ramp")} description={t("how.ramp_about")} min={1} max={10} value={ramp} onChange={(ramp) => set({ ramp })} />
        </Group>
      </Section>
    </Accordion>
  );
}

function Section({ value, title, children }: { value: string; title: string; children: ReactNode }) {
  return (
    <Accordion.Item value={value}>
      <Accordion.Control>{title}</Accordion.Control>
      <Accordion.Panel>
        <Stack>{children}</Stack>
      </Accordion.Panel>
    </Accordion.Item>
  );
}

/** After which outcome somebody is called again, how often, and how much later. */
function Retries({ draft: { rules }, set }: DraftProps) {
  const t = useT("runs");
  return (
    <Table.ScrollContainer minWidth={420}>
      <Table withRowBorders={false} verticalSpacing={4} aria-label={t("again.rules")}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("again.after")}</Table.Th>
            <Table.Th>{t("again.times")}</Table.Th>
            <Table.Th>{t("again.minutes")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {RETRYABLE.map((code) => {
            const rule = rules[code] ?? { times: "", minutes: 30 };
            const change = (what: Partial<Retry>) => set({ rules: { ...rules, [code]: { ...rule, ...what } } });
            const outcome = t(`outcome.${code}`);
            return (
              <Table.Tr key={code}>
                <Table.Th scope="row" fw={400}>
                  {outcome}
                </Table.Th>
                <Table.Td>
                  <NumberInput
                    aria-label={t("again.times_named", { outcome })}
                    size="xs"
                    w={90}
                    min={0}
                    max={DIALS_AT_MOST - 1}
                    placeholder="–"
                    value={rule.times}
                    onChange={(times) => change({ times })}
                  />
                </Table.Td>
                <Table.Td>
                  <NumberInput
                    aria-label={t("again.minutes_named", { outcome })}
                    size="xs"
                    w={110}
                    min={0}
                    max={43_200}
                    disabled={rule.times === ""}
                    value={rule.minutes}
                    onChange={(minutes) => change({ minutes })}
                  />
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
