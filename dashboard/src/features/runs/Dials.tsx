// The dials of a run in order of time.

import { Anchor, Stack, Table, Text } from "@mantine/core";
import { keepPreviousData } from "@tanstack/react-query";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { lengthOf, useTime } from "@/lib/time";
import { Answer } from "@/ui/Answer";
import { Pager, usePages } from "@/ui/Pager";
import { DialStateBadge, Outcome } from "./words";

const A_PAGE = 50;

export function Dials({ run, open }: { run: Schema<"RunOut">; open: (itemId: string) => void }) {
  const t = useT("runs");
  const time = useTime();
  const pages = usePages(run.id);
  const dials = api.useQuery(
    "get",
    "/api/runs/{run_id}/attempts",
    { params: { path: { run_id: run.id }, query: { limit: A_PAGE, after: pages.cursor } } },
    { placeholderData: keepPreviousData },
  );
  return (
    <Answer of={dials}>
      {(rows) => {
        if (rows.length === 0) return <Text c="dimmed">{t("dials.none")}</Text>;
        return (
          <Stack gap="xs">
            <Table.ScrollContainer minWidth={680}>
              <Table aria-label={t("tab.dials")}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t("dials.at")}</Table.Th>
                    <Table.Th>{t("leads.person")}</Table.Th>
                    <Table.Th>{t("leads.phone")}</Table.Th>
                    <Table.Th>{t("dials.from")}</Table.Th>
                    <Table.Th>{t("leads.state")}</Table.Th>
                    <Table.Th>{t("leads.outcome")}</Table.Th>
                    <Table.Th ta="end">{t("dials.length")}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {rows.map((dial) => (
                    <Table.Tr key={dial.id}>
                      <Table.Td>{time.short(dial.created_at)}</Table.Td>
                      <Table.Td>
                        <Anchor component="button" type="button" ta="start" onClick={() => open(dial.item_id)}>
                          <bdi>{dial.name ?? t("leads.gone")}</bdi>
                        </Anchor>
                      </Table.Td>
                      <Table.Td>
                        <bdi dir="ltr">{dial.phone}</bdi>
                      </Table.Td>
                      <Table.Td>
                        <bdi dir="ltr">{dial.from_number}</bdi>
                      </Table.Td>
                      <Table.Td>
                        <DialStateBadge state={dial.state} />
                      </Table.Td>
                      <Table.Td>
                        <Outcome code={dial.disposition} />
                      </Table.Td>
                      <Table.Td ta="end">{dial.call_length_s === null || dial.call_length_s === undefined ? "–" : lengthOf(dial.call_length_s)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
            <Pager pages={pages} following={rows.length === A_PAGE ? rows.at(-1)?.id : null} busy={dials.isPlaceholderData} />
          </Stack>
        );
      }}
    </Answer>
  );
}
