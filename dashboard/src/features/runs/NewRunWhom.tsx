// Whom a new run calls, and what it is called.

import { Radio, Select, Stack, TextInput } from "@mantine/core";
import { useNumbers, useT } from "@/lib/i18n";
import { Panel } from "@/ui/Panel";
import { titleOf, type DraftProps, type Given, type Way } from "./draft";
import { PickPeople } from "./PickPeople";

const CHOSEN_AT_MOST = 200;

export function NewRunWhom({ draft, set, lists }: DraftProps & Pick<Given, "lists">) {
  const t = useT("runs");
  const words = useNumbers();
  const { way, list, search, chosen, given } = draft;
  return (
    <Panel title={t("whom.title")}>
      <Stack>
        <Radio.Group value={way} onChange={(value) => set({ way: value as Way })} aria-label={t("whom.title")}>
          <Stack gap="xs">
            {given.length > 0 && <Radio value="given" label={t("whom.given", { count: given.length })} />}
            <Radio value="list" label={t("whom.list")} disabled={lists.length === 0} />
            <Radio value="chosen" label={t("whom.chosen")} />
            <Radio value="filter" label={t("whom.filter")} />
            <Radio value="everybody" label={t("whom.everybody")} />
          </Stack>
        </Radio.Group>
        {way === "list" && (
          <Select
            label={t("whom.which")}
            searchable
            value={list}
            onChange={(list) => set({ list })}
            allowDeselect={false}
            data={lists.map(({ id, name, leads }) => ({
              value: id,
              label: t("whom.list_of", { name, number: words.whole(leads) }),
            }))}
          />
        )}
        {way === "chosen" && <PickPeople most={CHOSEN_AT_MOST} chosen={chosen} onChange={(chosen) => set({ chosen })} />}
        {way === "filter" && (
          <TextInput
            label={t("whom.search")}
            value={search}
            maxLength={200}
            onChange={(event) => set({ search: event.currentTarget.value })}
          />
        )}
        <TextInput
          label={t("whom.name")}
          required
          maxLength={200}
          dir="auto"
          value={titleOf(draft, lists)}
          onChange={(event) => set({ title: event.currentTarget.value })}
        />
      </Stack>
    </Panel>
  );
}
