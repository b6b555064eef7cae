// Choosing people by hand: search, tick, and see who is chosen.

import { Checkbox, Group, Pill, ScrollArea, Stack, Text } from "@mantine/core";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { Answer } from "@/ui/Answer";
import { SearchInput } from "@/ui/SearchInput";

const SHOWN = 20;

export interface Person {
  id: string;
  name: string;
  phone: string;
}

export function PickPeople({
  most, chosen, onChange,
}: { most: number; chosen: Person[]; onChange: (people: Person[]) => void }) {
  const t = useT("runs");
  const [search, setSearch] = useState("");
  const found = api.useQuery(
    "get",
    "/api/leads",
    { params: { query: { limit: SHOWN, ...(search && { search }) } } },
    { placeholderData: keepPreviousData },
  );
  const toggle = (person: Person, on: boolean) =>
    onChange(on ? [...chosen, person] : chosen.filter(({ id }) => id !== person.id));
  const isFull = chosen.length >= most;
  return (
    <Stack gap="xs">
      <SearchInput label={t("pick.search")} value={search} onChange={setSearch} />
      <Text size="sm" c="dimmed" role="status">
        {t("pick.chosen", { chosen: chosen.length, most })}
      </Text>
      {chosen.length > 0 && (
        <Group gap={6}>
          {chosen.map((person) => (
            <Pill
              key={person.id}
              withRemoveButton
              onRemove={() => toggle(person, false)}
              removeButtonProps={{ "aria-label": t("pick.remove", { name: person.name || person.phone }), tabIndex: 0 }}
            >
              <bdi>{person.name || person.phone}</bdi>
            </Pill>
          ))}
        </Group>
      )}
      <Answer of={found}>
        {({ leads }) =>
          leads.length === 0 ? (
            <Text c="dimmed">{t("pick.none")}</Text>
          ) : (
            <ScrollArea.Autosize mah={280} type="auto" viewportProps={{ tabIndex: 0, "aria-label": t("pick.found") }}>
              <Stack gap={8} p={2}>
                {leads.map((lead) => {
                  const isChosen = chosen.some(({ id }) => id === lead.id);
                  return (
                    <Checkbox
                      key={lead.id}
                      checked={isChosen}
                      disabled={isFull && !isChosen}
                      onChange={(event) => toggle({ id: lead.id, name: lead.name, phone: lead.phone }, event.currentTarget.checked)}
                      label={
                        <>
                          {lead.name && <bdi>{lead.name} </bdi>}
                          <Text span c="dimmed" size="sm" dir="ltr">
                            {lead.phone}
                          </Text>
                        </>
                      }
                    />
                  );
                })}
              </Stack>
            </ScrollArea.Autosize>
          )
        }
      </Answer>
    </Stack>
  );
}
