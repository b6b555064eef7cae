// The leads of a run by state, a page at a time, and what came of each.

import { Anchor, Button, Group, Select, Stack, Table, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useFilters } from "@/lib/address";
import { api, type Schema } from "@/lib/api";
import { useLanguage, useNumbers, useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { Answer } from "@/ui/Answer";
import { TextLink } from "@/ui/LinkTo";
import { ITEM_STATES, ItemStateBadge, Outcome, type ItemState } from "./words";

const A_PAGE = 50;

export function Leads({ run, open }: { run: Schema<"RunOut">; open: (itemId: string) => void }) {
  const t = useT("runs");
  const numbers = useNumbers();
  const language = useLanguage();
  const [{ state }, setFilters] = useFilters({ state: "" });
  const wanted = ITEM_STATES.includes(state as ItemState) ? [state as ItemState] : [];
  const items = api.useInfiniteQuery(
    "get",
    "/api/runs/{run_id}/items",
    { params: { path: { run_id: run.id }, query: { state: wanted, limit: A_PAGE } } },
    {
      pageParamName: "after",
      initialPageParam: 0,
      getNextPageParam: (last: Schema<"ItemOut">[]) => (last.length < A_PAGE ? undefined : last.at(-1)?.position),
      placeholderData: keepPreviousData,
    },
  );
  const query = new URLSearchParams({ language, ...(wanted.length > 0 && { state }) });
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Select
          aria-label={t("leads.show")}
          value={state}
          onChange={(value) => setFilters({ state: value ?? "" })}
          allowDeselect={false}
          data={[
            { value: "", label: t("leads.any") },
            ...ITEM_STATES.map((value) => ({ value, label: t(`item.${value}`) })),
          ]}
        />
        <Button
          component="a"
          href={`/api/runs/${run.id}/results.csv?${query}`}
          download
          variant="default"
          leftSection={<IconDownload size={16} />}
        >
          {t("leads.download")}
        </Button>
      </Group>
      <Answer of={items}>
        {({ pages }) => {
          const rows = pages.flat();
          if (rows.length === 0) return <Text c="dimmed">{t("leads.none")}</Text>;
          return (
            <>
              <Table.ScrollContainer minWidth={640}>
                <Table aria-label={t("tab.leads")}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>{t("leads.person")}</Table.Th>
                      <Table.Th>{t("leads.phone")}</Table.Th>
                      <Table.Th>{t("leads.state")}</Table.Th>
                      <Table.Th>{t("leads.outcome")}</Table.Th>
                      <Table.Th ta="end">{t("leads.dials")}</Table.Th>
                      <Table.Th>{t("leads.call")}</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {rows.map((item) => (
                      <Table.Tr key={item.id} data-item={item.id}>
                        <Table.Td>
                          <Anchor component="button" type="button" ta="start" onClick={() => open(item.id)}>
                            <bdi>{item.name ?? t("leads.gone")}</bdi>
                          </Anchor>
                        </Table.Td>
                        <Table.Td>
                          <bdi dir="ltr">{item.phone}</bdi>
                        </Table.Td>
                        <Table.Td>
                          <ItemStateBadge state={item.state} />
                          <WaitsFor item={item} />
                        </Table.Td>
                        <Table.Td>
                          <Outcome code={item.disposition} />
                        </Table.Td>
                        <Table.Td ta="end">{numbers.whole(item.attempts_used)}</Table.Td>
                        <Table.Td>
                          {item.call_id ? <TextLink to={`/calls/${item.call_id}`}>{t("leads.open_call")}</TextLink> : "–"}
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
              {items.hasNextPage && (
                <Button variant="default" loading={items.isFetchingNextPage} onClick={() => void items.fetchNextPage()} style={{ alignSelf: "center" }}>
                  {t("more")}
                </Button>
              )}
            </>
          );
        }}
      </Answer>
    </Stack>
  );
}

export function WaitsFor({ item }: { item: Schema<"ItemOut"> }) {
  const t = useT("runs");
  const time = useTime();
  if (item.state !== "retry_wait" || !item.not_before) return null;
  return (
    <Text size="xs" c="dimmed">
      {t("leads.waits", { when: time.short(item.not_before), reason: t(`waits_for.${item.waits_for}`) })}
    </Text>
  );
}
