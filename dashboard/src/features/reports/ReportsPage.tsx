// What some days came to: figures beside those of the days before, a chart, outcomes, and a line for each day or agent.

import { Button, Grid, Group, SegmentedControl, Select, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { IconChartBar, IconDownload, IconX } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { Outcomes } from "@/features/overview/Outcomes";
import { useFilters } from "@/lib/address";
import { addressed, api, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { Answer } from "@/ui/Answer";
import { EmptyState } from "@/ui/EmptyState";
import { ButtonLink } from "@/ui/LinkTo";
import { Notice } from "@/ui/Notice";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";
import { Compared } from "./Compared";
import { daysOf, isDay, PRESETS, type Preset } from "./days";
import { Lines } from "./Lines";
import { LinesChart } from "./LinesChart";

export const KEYS = ["day", "month", "agent", "run", "source"] as const;
export type By = (typeof KEYS)[number];

export default function ReportsPage() {
  const t = useT("reports");
  const time = useTime();
  const [filters, set] = useFilters({ from: "", to: "", by: "day", agent: "", run: "", source: "" });
  const today = time.dayKey(new Date());
  const usual = daysOf("last_30", today);
  const from = isDay(filters.from) ? filters.from : usual.from;
  const to = isDay(filters.to) ? filters.to : usual.to;
  const by = KEYS.find((key) => key === filters.by) ?? "day";
  const query = {
    from, to, by,
    ...(filters.agent && { agent_id: filters.agent }),
    ...(filters.run && { run_id: filters.run }),
    ...(filters.source && { source: filters.source }),
  };
  const report = api.useQuery("get", "/api/reports", { params: { query } }, { placeholderData: keepPreviousData, retry: false });
  const agents = api.useQuery("get", "/api/agents", {});
  const preset = PRESETS.find((one) => {
    const days = daysOf(one, today);
    return days.from === from && days.to === to;
  });
  const isOne = Boolean(filters.run || filters.source);
  return (
    <>
      <PageHeader title={t("title")} about={t("about", { zone: time.zone })}>
        <Button component="a" href={addressed("/api/reports.csv", query)} download variant="default" leftSection={<IconDownload size={16} />}>
          {t("download")}
        </Button>
      </PageHeader>
      <Stack>
        <Group align="flex-end">
          <Select
            label={t("days")} w={160} allowDeselect={false} value={preset ?? "own"}
            data={[...PRESETS, "own"].map((value) => ({ value, label: t(`preset.${value}`), disabled: value === "own" }))}
            onChange={(value) => value && set(daysOf(value as Preset, today))}
          />
          <TextInput type="date" label={t("from")} value={from} max={to} onChange={(event) => set({ from: event.currentTarget.value })} />
          <TextInput type="date" label={t("to")} value={to} min={from} onChange={(event) => set({ to: event.currentTarget.value })} />
          <Select
            label={t("agent")} w={200} clearable placeholder={t("every_agent")} value={filters.agent || null}
            data={(agents.data ?? []).map((agent) => ({ value: agent.id, label: agent.name }))}
            onChange={(value) => set({ agent: value ?? "" })}
          />
          {isOne && (
            <Button variant="subtle" leftSection={<IconX size={14} />} onClick={() => set({ run: "", source: "" })}>
              {t(filters.run ? "every_run" : "every_source")}
            </Button>
          )}
        </Group>
        <Answer of={report}>{(found) => <Told found={found} set={set} />}</Answer>
      </Stack>
    </>
  );
}

function Told({ found, set }: { found: Schema<"ReportOut">; set: (change: Partial<Record<"by" | "agent" | "run" | "source", string>>) => void }) {
  const t = useT("reports");
  const numbers = useNumbers();
  const { total, before } = found;
  const isNothing = total.figures.calls + total.figures.appointments + total.meetings.due === 0;
  const { figures, meetings } = total;
  const showShare = (value: number | null) => (value === null ? t("none") : numbers.share(value));
  return (
    <Stack>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="sm">
        <Compared label={t("figure.calls")} now={figures.calls} then={before.figures.calls} show={numbers.whole}
          note={t("figure.directions", { outbound: numbers.whole(figures.outbound), inbound: numbers.whole(figures.inbound) })} />
        <Compared label={t("figure.answer_rate")} now={figures.answer_rate} then={before.figures.answer_rate} show={showShare}
          note={t("figure.of_outbound")} />
        <Compared label={t("figure.minutes")} now={figures.minutes} then={before.figures.minutes} show={numbers.whole} note={t("figure.talked")} />
        <Compared label={t("figure.made")} now={figures.appointments} then={before.figures.appointments} show={numbers.whole}
          note={t("figure.made_note")} />
        <Compared label={t("figure.kept")} now={meetings.kept} then={before.meetings.kept} show={numbers.whole}
          note={t("figure.of_due", { due: numbers.whole(meetings.due) })} />
        <Compared label={t("figure.no_show")} now={meetings.no_show} then={before.meetings.no_show} show={numbers.whole} worse
          note={t("figure.cancelled", { cancelled: numbers.whole(meetings.cancelled) })} />
      </SimpleGrid>
      {isNothing ? (
        <EmptyState icon={IconChartBar} title={t("empty.title")} body={t("empty.body")}>
          <ButtonLink to="/runs">{t("empty.runs")}</ButtonLink>
        </EmptyState>
      ) : (
        <>
          <Group>
            <SegmentedControl
              size="xs" aria-label={t("by.label")} value={found.by} onChange={(by) => set({ by })}
              data={KEYS.map((value) => ({ value, label: t(`by.${value}`) }))}
            />
          </Group>
          <Grid>
            <Grid.Col span={{ base: 12, lg: 8 }}>
              <LinesChart found={found} />
            </Grid.Col>
            <Grid.Col span={{ base: 12, lg: 4 }}>
              <Stack>
                <Outcomes outcomes={total.outcomes} title={t("outcomes")} />
                <Money revenue={total.revenue} />
              </Stack>
            </Grid.Col>
          </Grid>
          <Panel title={t(`lines.${found.by}`)}>
            <Lines found={found} set={set} />
          </Panel>
        </>
      )}
    </Stack>
  );
}

/** What came in, where anything tells it; never a nought that nobody has counted. */
function Money({ revenue }: { revenue: Schema<"AmountOut">[] | null }) {
  const t = useT("reports");
  const numbers = useNumbers();
  return (
    <Panel title={t("revenue.title")}>
      {revenue === null ? (
        <Notice>{t("revenue.none")}</Notice>
      ) : (
        revenue.map(({ currency, minor }) => <div key={currency}>{`${numbers.one(minor / 100)} ${currency}`}</div>)
      )}
    </Panel>
  );
}
