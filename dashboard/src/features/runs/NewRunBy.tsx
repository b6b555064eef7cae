// Who calls in a new run: the agent, and the numbers that people see.

import { MultiSelect, NumberInput, Select, Stack, Switch } from "@mantine/core";
import { useNumbers, useT } from "@/lib/i18n";
import { phoneOptions } from "@/lib/phones";
import { useBusiness } from "@/lib/session";
import { Panel } from "@/ui/Panel";
import type { DraftProps, Given } from "./draft";

export function NewRunBy({ draft, set, agents, numbers }: DraftProps & Pick<Given, "agents" | "numbers">) {
  const t = useT("runs");
  const words = useNumbers();
  const business = useBusiness();
  const { agent, from, pool, near, lines } = draft;
  return (
    <Panel title={t("by.title")}>
      <Stack>
        <Select
          label={t("by.agent")}
          value={agent}
          onChange={(agent) => set({ agent })}
          allowDeselect={false}
          data={agents.map(({ id, name }) => ({ value: id, label: name }))}
        />
        <Select
          label={t("by.from")}
          value={from}
          onChange={(from) => set({ from })}
          allowDeselect={false}
          data={phoneOptions(numbers.map(({ e164 }) => e164))}
        />
        {numbers.length > 1 && (
          <>
            <MultiSelect
              label={t("by.pool")}
              value={pool}
              onChange={(pool) => set({ pool })}
              data={phoneOptions(numbers.map(({ e164 }) => e164).filter((number) => number !== from))}
            />
            <Switch label={t("by.near")} checked={near} onChange={(event) => set({ near: event.currentTarget.checked })} />
          </>
        )}
        <NumberInput
          label={t("how.lines")}
          description={t("how.lines_about", { number: words.whole(business.max_outbound_calls) })}
          min={1}
          max={10}
          required
          value={lines}
          onChange={(lines) => set({ lines })}
        />
      </Stack>
    </Panel>
  );
}
