// Why each number was called or not, the newest first.

import { Button, Code, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconDownload, IconScale } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { instantIn } from "@/features/runs/moment";
import { useFilters } from "@/lib/address";
import { addressed, api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useZone } from "@/lib/session";
import { Actor } from "@/ui/Actor";
import { Answer } from "@/ui/Answer";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Pager, usePages } from "@/ui/Pager";
import { SearchInput } from "@/ui/SearchInput";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

const A_PAGE = 50;
const TONES = {
  "dial.allowed": "good", "dial.refused": "bad", "dial.taken_back": "wait", "number.suppressed": "bad",
  "number.allowed": "good", "consent.changed": "busy", "rules.changed": "busy",
} satisfies Record<string, Tone>;
type Kind = keyof typeof TONES;
const KINDS = Object.keys(TONES) as Kind[];
const DAY = /^\d{4}-\d\d-\d\d$/;
const DAY_MS = 86_400_000;

export default function CompliancePage() {
  const t = useT("calling");
  const zone = useZone();
  const [filters, setFilters] = useFilters({ from: "", to: "", kind: "", phone: "", run: "" });
  const pages = usePages(JSON.stringify(filters));
  const nextDay = (day: string) => new Date(Date.parse(`${day}T00:00Z`) + DAY_MS).toISOString().slice(0, 10);
  // The last day is meant whole.
  const within = {
    ...(DAY.test(filters.from) && { from: instantIn(zone, `${filters.from}T00:00`) }),
    ...(DAY.test(filters.to) && { to: instantIn(zone, `${nextDay(filters.to)}T00:00`) }),
  };
  const kind = KINDS.find((one) => one === filters.kind);
  const wanted = {
    ...within,
    ...(kind && { kind }),
    ...(filters.phone && { phone: filters.phone }),
    ...(filters.run && { run_id: filters.run }),
  };
  const log = api.useQuery(
    "get",
    "/api/compliance-log",
    {
      params: {
        query: { ...wanted, kind: kind && [kind], limit: A_PAGE, cursor: pages.cursor },
      },
    },
    { placeholderData: keepPreviousData, retry: false },
  );
  return (
    <>
      <PageHeader title={t("log.title")} about={t("log.about")}>
        <Button component="a" href={addressed("/api/compliance-log.csv", wanted)} download variant="default" leftSection={<IconDownload size={16} />}>
          {t("log.download")}
        </Button>
      </PageHeader>
      <Stack>
        <Group align="flex-end">
          <TextInput type="date" label={t("log.from")} value={filters.from} onChange={(event) => setFilters({ from: event.currentTarget.value })} />
          <TextInput type="date" label={t("log.to")} value={filters.to} onChange={(event) => setFilters({ to: event.currentTarget.value })} />
          <Select
            label={t("log.what")}
            value={filters.kind}
            onChange={(value) => setFilters({ kind: value ?? "" })}
            allowDeselect={false}
            data={[{ value: "", label: t("log.any") }, ...KINDS.map((value) => ({ value, label: t(`log.kind.${value.replace(".", "_")}`) }))]}
          />
          <SearchInput label={t("log.phone")} value={filters.phone} onChange={(phone) => setFilters({ phone })} />
          {filters.run && (
            <Button variant="subtle" onClick={() => setFilters({ run: "" })}>
              {t("log.all_runs")}
            </Button>
          )}
        </Group>
        <Answer of={log}>
          {({ entries, next_cursor: following }) => (
            <>
              {entries.length === 0 && !following && pages.page === 1 && (
                <EmptyState icon={IconScale} title={t("log.none.title")} body={t("log.none.body")} />
              )}
              {entries.length === 0 && following && <Text c="dimmed">{t("log.none.here")}</Text>}
              {entries.length > 0 && <Entries rows={entries} />}
              <Pager pages={pages} following={following} busy={log.isPlaceholderData} />
            </>
          )}
        </Answer>
      </Stack>
    </>
  );
}

function Entries({ rows }: { rows: Schema<"EntryOut">[] }) {
  const t = useT("calling");
  const details = (row: Schema<"EntryOut">) => {
    const facts = Object.entries(row.details);
    return facts.length === 0 ? null : (
      <details>
        <summary>{t("log.details")}</summary>
        <Code block dir="ltr" fz="xs" mah={240} style={{ overflow: "auto", whiteSpace: "pre-wrap" }}>
          {JSON.stringify(row.details, null, 1)}
        </Code>
      </details>
    );
  };
  return (
    <DataTable
      label={t("log.title")}
      least="52rem"
      rows={rows}
      keyOf={(row) => `${row.at} ${row.event} ${row.attempt_id ?? row.phone ?? row.actor}`}
      columns={[
        { id: "at", header: t("log.at"), whole: true, cell: (row) => <Moment at={row.at} /> },
        {
          id: "event",
          header: t("log.what"),
          cell: (row) => <StatusBadge tone={TONES[row.event as Kind] ?? "quiet"}>{t(`log.kind.${row.event.replace(".", "_")}`)}</StatusBadge>,
        },
        { id: "phone", header: t("phone"), whole: true, cell: (row) => <bdi dir="ltr">{row.phone ?? "–"}</bdi> },
        { id: "rule", header: t("log.rule"), cell: (row) => <bdi>{row.rule ? t([`may.why.${row.rule}`, `list.because.${row.rule}`, "log.as_said"], { said: row.rule }) : "–"}</bdi> },
        { id: "actor", header: t("log.actor"), cell: (row) => <Actor actor={row.actor} /> },
        { id: "run", header: t("log.run"), cell: (row) => (row.run_id ? <TextLink to={`/runs/${row.run_id}`} search={row.item_id ? { lead: row.item_id } : {}}>{t("log.open_run")}</TextLink> : "–") },
        { id: "details", header: t("log.more"), cell: details },
      ]}
    />
  );
}
