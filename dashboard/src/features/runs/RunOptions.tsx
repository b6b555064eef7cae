// What a run was told when it was made, to be read.

import { Table, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { api, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";

export function RunOptions({ run }: { run: Schema<"RunOut"> }) {
  const t = useT("runs");
  const numbers = useNumbers();
  const { options } = run;
  const agents = api.useQuery("get", "/api/agents");
  const agent = agents.data?.find(({ id }) => id === options.agent_id)?.name;
  const minutes = (seconds: number) => t("how.after_minutes", { number: numbers.whole(seconds / 60) });
  const from = [options.from_number, ...(options.caller_ids ?? [])];
  const rows: [string, ReactNode][] = [
    [t("by.agent"), <bdi key="agent">{agent ?? "–"}</bdi>],
    [t("by.from"), <bdi key="from" dir="ltr">{[...new Set(from)].join(", ")}</bdi>],
    [t("by.near"), options.local_presence ? t("yes") : t("no")],
    [t("how.lines"), numbers.whole(options.concurrency ?? 3)],
    [t("how.priority"), numbers.whole(options.priority ?? 0)],
    [t("how.ramp"), options.ramp_up_per_minute ? numbers.whole(options.ramp_up_per_minute) : t("how.all_at_once")],
    [t("again.attempts"), numbers.whole(options.max_attempts ?? 1)],
    [t("again.delay"), minutes(options.retry_delay_s ?? 1800)],
    ...Object.entries(options.retries ?? {}).map(([code, rule]): [string, string] => [
      t("again.rule", { outcome: t(`outcome.${code}`) }),
      t("again.rule_is", { times: numbers.whole(rule.times), after: minutes(rule.delay_s ?? 1800) }),
    ]),
    [t("machine.detection"), t(`machine.detection_is.${options.machines?.detection ?? "heard"}`)],
    [t("machine.action"), t(`machine.action_is.${options.machines?.action ?? "hang_up"}`)],
  ];
  return (
    <>
      <Table.ScrollContainer minWidth={360}>
        <Table aria-label={t("tab.options")} maw={720}>
          <Table.Tbody>
            {rows.map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th scope="row" fw={400} c="dimmed">
                  {name}
                </Table.Th>
                <Table.Td>{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {options.machines?.message && (
        <Text size="sm" mt="sm">
          {t("machine.message")}: <bdi>{options.machines.message}</bdi>
        </Text>
      )}
    </>
  );
}
