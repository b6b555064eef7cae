// The call log: every call of the business, newest first, as it happens.

import { Box, Button, Group, MultiSelect, Select, Stack, Text, TextInput, VisuallyHidden } from "@mantine/core";
import { IconAdjustmentsHorizontal, IconHeadphones, IconPhone } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { useFilters } from "@/lib/address";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useZone } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { DataTable, type Column } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Pager, usePages } from "@/ui/Pager";
import { SearchInput } from "@/ui/SearchInput";
import { beginOf } from "./days";
import { CameTo, Direction, OUTCOMES, Talked, With, useOutcome, type Call } from "./words";

const NOTHING = {
  direction: "", state: "", outcome: "", agent: "", number: "", from: "", to: "", booked: "", run: "", lead: "",
};
const FEWEST_DIGITS = 3;

/** What of a part of a number the server takes; too few digits are not looked for yet. */
function searchable(number: string): string | undefined {
  const isWords = /[^\d\s()+./-]/.test(number);
  return isWords || number.replace(/\D/g, "").length >= FEWEST_DIGITS ? number.trim() : undefined;
}

export default function CallsPage() {
  const t = useT("calls");
  const zone = useZone();
  const [filters, setFilters] = useFilters(NOTHING);
  const pages = usePages(JSON.stringify(filters));
  const query = {
    direction: (filters.direction || undefined) as "inbound" | "outbound" | undefined,
    state: filters.state === "open" ? (["ringing", "live"] as ("ringing" | "live")[]) : undefined,
    disposition: filters.outcome ? filters.outcome.split(",") : undefined,
    agent_id: filters.agent || undefined,
    run_id: filters.run || undefined,
    lead_id: filters.lead || undefined,
    number: searchable(filters.number),
    created_from: beginOf(filters.from, zone),
    created_before: beginOf(filters.to, zone, 1),
    booked: filters.booked ? filters.booked === "yes" : undefined,
    cursor: pages.cursor,
  };
  const log = api.useQuery("get", "/api/calls", { params: { query } }, { placeholderData: keepPreviousData });
  const isFiltered = Object.values(filters).some(Boolean);

  return (
    <>
      <PageHeader title={t("title")} about={t("about")} />
      <Stack gap="sm">
        <Filters filters={filters} setFilters={setFilters} />
        <Answer of={log}>
          {(page) =>
            page.calls.length > 0 ? (
              <div aria-busy={log.isPlaceholderData}>
                <Rows calls={page.calls} />
                <Pager pages={pages} following={page.next_cursor} busy={log.isPlaceholderData} />
              </div>
            ) : isFiltered ? (
              <EmptyState icon={IconPhone} title={t("none_found.title")} body={t("none_found.body")}>
                <Button variant="default" onClick={() => setFilters(NOTHING)}>
                  {t("all")}
                </Button>
              </EmptyState>
            ) : (
              <EmptyState icon={IconPhone} title={t("none.title")} body={t("none.body")} />
            )
          }
        </Answer>
      </Stack>
    </>
  );
}

function Filters({ filters, setFilters }: { filters: typeof NOTHING; setFilters: (change: Partial<typeof NOTHING>) => void }) {
  const t = useT("calls");
  const outcome = useOutcome();
  /** On a phone, most of them wait behind a button. */
  const [more, setMore] = useState(false);
  const agents = api.useQuery("get", "/api/agents");
  const set = (name: keyof typeof NOTHING) => (value: string | null) => setFilters({ [name]: value ?? "" });
  const others = (["run", "lead"] as const).filter((name) => filters[name]);
  return (
    <Stack gap="xs" role="search" aria-label={t("filters.label")}>
      <Group gap="xs" align="flex-end">
        <Box w={{ base: "100%", xs: "17rem" }}>
          <SearchInput label={t("filters.number")} hint={t("filters.number_hint")} value={filters.number} onChange={set("number")} />
        </Box>
        <Button
          hiddenFrom="sm" variant="default" aria-expanded={more} leftSection={<IconAdjustmentsHorizontal size={16} aria-hidden />}
          onClick={() => setMore(!more)}
        >
          {t("filters.label")}
        </Button>
        <Box display="contents" visibleFrom={more ? undefined : "sm"}>
          <Select
            aria-label={t("filters.state")} placeholder={t("filters.state")} clearable w="8.5rem"
            data={[{ value: "open", label: t("filters.open") }]} value={filters.state || null} onChange={set("state")}
          />
          <Select
            aria-label={t("filters.direction")} placeholder={t("filters.direction")} clearable w="10rem"
            data={[{ value: "inbound", label: t("direction.inbound") }, { value: "outbound", label: t("direction.outbound") }]}
            value={filters.direction || null} onChange={set("direction")}
          />
          <MultiSelect
            aria-label={t("filters.outcome")} placeholder={filters.outcome ? "" : t("filters.outcome")} clearable searchable
            miw="12rem" data={OUTCOMES.map((code) => ({ value: code, label: outcome(code) }))}
            value={filters.outcome ? filters.outcome.split(",") : []}
            onChange={(codes) => setFilters({ outcome: codes.join(",") })}
          />
          <Select
            aria-label={t("filters.agent")} placeholder={t("filters.agent")} clearable searchable w="11rem"
            data={(agents.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
            value={filters.agent || null} onChange={set("agent")}
          />
          <Select
            aria-label={t("filters.booked")} placeholder={t("filters.booked")} clearable w="17rem"
            data={[{ value: "yes", label: t("filters.booked_yes") }, { value: "no", label: t("filters.booked_no") }]}
            value={filters.booked || null} onChange={set("booked")}
          />
          <TextInput
            type="date" label={t("filters.from")} value={filters.from} max={filters.to || undefined}
            onChange={(event) => setFilters({ from: event.currentTarget.value })}
          />
          <TextInput
            type="date" label={t("filters.to")} value={filters.to} min={filters.from || undefined}
            onChange={(event) => setFilters({ to: event.currentTarget.value })}
          />
        </Box>
        {Object.values(filters).some(Boolean) && (
          <Button variant="subtle" onClick={() => setFilters(NOTHING)}>
            {t("all")}
          </Button>
        )}
      </Group>
      {others.length > 0 && (
        <Text size="sm" c="dimmed">
          {others.map((name) => t(`filters.of_${name}`)).join(" · ")}
        </Text>
      )}
    </Stack>
  );
}

function Rows({ calls }: { calls: Call[] }) {
  const t = useT("calls");
  const columns: Column<Call>[] = [
    {
      id: "with",
      header: t("column.with"),
      cell: (call) => (
        <TextLink to={`/calls/${call.id}`}>
          <With call={call} />
        </TextLink>
      ),
    },
    { id: "direction", header: t("column.direction"), whole: true, cell: (call) => <Direction call={call} /> },
    {
      id: "came_to",
      header: t("column.came_to"),
      whole: true,
      cell: (call) => (
        <Group gap={6} wrap="nowrap">
          <CameTo call={call} />
          {call.recorded && (
            <>
              <IconHeadphones size={16} aria-hidden />
              <VisuallyHidden>{t("recorded")}</VisuallyHidden>
            </>
          )}
        </Group>
      ),
    },
    { id: "agent", header: t("column.agent"), wide: true, cell: (call) => call.agent_name && <bdi>{call.agent_name}</bdi> },
    { id: "began", header: t("column.began"), whole: true, cell: (call) => <Moment at={call.created_at} /> },
    { id: "talked", header: t("column.talked"), end: true, cell: (call) => <Talked call={call} /> },
  ];
  return (
    <DataTable
      label={t("title")} columns={columns} rows={calls} keyOf={(call) => call.id} to={(call) => `/calls/${call.id}`}
    />
  );
}
