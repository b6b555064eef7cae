// Jobs: how many stand where, and the list of them with its filters.

import { Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconRefresh, IconStack2, IconX } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { useFilters } from "@/lib/address";
import { api, client, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Pager, usePages } from "@/ui/Pager";
import { Panel } from "@/ui/Panel";
import { Depths } from "./Depths";
import type { Place } from "./place";
import { JobState, Length, Name } from "./words";

type State = Schema<"JobState">;

const STATES: State[] = ["queued", "running", "succeeded", "failed", "cancelled", "expired"];
const QUEUES = ["high", "default", "low", "maintenance", "broadcasts", "recordings"];
const A_PAGE = 50;
/** Jobs begin and end too often to be told one by one. */
const BUSY_MS = 2_000;
const IDLE_MS = 15_000;

export function JobList({ place }: { place: Place }) {
  const t = useT("jobs");
  const [filters, setFilters] = useFilters({ state: "", queue: "", name: "", run: "" });
  const pages = usePages(JSON.stringify(filters));
  const stats = api.useQuery("get", `${place.api}/stats`, {}, { refetchInterval: ({ state }) => pause(state.data) });
  const list = api.useQuery(
    "get",
    place.api,
    {
      params: {
        query: {
          state: (filters.state || undefined) as State | undefined,
          queue: filters.queue || undefined,
          name: filters.name || undefined,
          run_id: filters.run || undefined,
          before: pages.cursor,
          limit: A_PAGE,
        },
      },
    },
    { placeholderData: keepPreviousData, refetchInterval: pause(stats.data) },
  );
  const isFiltered = Object.values(filters).some(Boolean);
  const dead = Object.values(stats.data?.queues ?? {}).reduce((sum, here) => sum + here.dead, 0);
  return (
    <>
      <PageHeader
        title={t(`title.${place.of}`)}
        about={t(`about.${place.of}`)}
        back={place.of === "system" ? { to: "/system", label: t("back.system") } : undefined}
      >
        {dead > 0 && <RetryMany place={place} filters={filters} />}
      </PageHeader>
      <Stack gap="md">
        <Answer of={stats}>
          {(found) => (
            <Panel title={t("standing.title")}>
              <Depths queues={found.queues} onChoose={(queue, state) => setFilters({ queue, state, name: "", run: "" })} />
            </Panel>
          )}
        </Answer>
        <Filters filters={filters} change={setFilters} isFiltered={isFiltered} />
        <Answer of={list}>
          {(page) =>
            page.jobs.length === 0 ? (
              isFiltered ? (
                <Text c="dimmed">{page.next ? t("none_yet") : t("none_such")}</Text>
              ) : (
                <EmptyState icon={IconStack2} title={t("none.title")} body={t(`none.${place.of}`)} />
              )
            ) : (
              <Listed jobs={page.jobs} place={place} />
            )
          }
        </Answer>
        <Pager pages={pages} following={list.data?.next} busy={list.isPlaceholderData} />
      </Stack>
    </>
  );
}

function pause(stats: Schema<"StatsOut"> | undefined): number {
  const isBusy = Object.values(stats?.queues ?? {}).some(({ ready, running }) => ready + running > 0);
  return isBusy ? BUSY_MS : IDLE_MS;
}

interface Wanted extends Record<string, string> {
  state: string;
  queue: string;
  name: string;
  run: string;
}

interface FiltersProps {
  filters: Wanted;
  change: (changes: Partial<Wanted>) => void;
  isFiltered: boolean;
}

function Filters({ filters, change, isFiltered }: FiltersProps) {
  const t = useT("jobs");
  const [name, setName] = useState(filters.name);
  const queues = [...new Set([...QUEUES, ...(filters.queue ? [filters.queue] : [])])];
  return (
    <Group gap="sm" align="flex-end" role="search" aria-label={t("filters")}>
      <Select
        label={t("column.state")}
        value={filters.state}
        onChange={(state) => change({ state: state ?? "" })}
        data={[{ value: "", label: t("any") }, ...STATES.map((state) => ({ value: state, label: t(`state.${state}`) }))]}
        allowDeselect={false}
        w="10rem"
      />
      <Select
        label={t("column.queue")}
        value={filters.queue}
        onChange={(queue) => change({ queue: queue ?? "" })}
        data={[{ value: "", label: t("any") }, ...queues.map((queue) => ({ value: queue, label: queue }))]}
        allowDeselect={false}
        w="10rem"
      />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change({ name: name.trim() });
        }}
      >
        <TextInput
          label={t("column.job")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          onBlur={() => name.trim() !== filters.name && change({ name: name.trim() })}
          dir="ltr"
          w="13rem"
        />
      </form>
      {filters.run && <Text size="sm">{t("of_run")}</Text>}
      {isFiltered && (
        <Button
          variant="subtle"
          leftSection={<IconX size={16} />}
          onClick={() => {
            setName("");
            change({ state: "", queue: "", name: "", run: "" });
          }}
        >
          {t("clear")}
        </Button>
      )}
    </Group>
  );
}

function Listed({ jobs, place }: { jobs: Schema<"JobOut">[]; place: Place }) {
  const t = useT("jobs");
  const numbers = useNumbers();
  return (
    <DataTable
      label={t("listed")}
      rows={jobs}
      keyOf={(job) => job.id}
      to={(job) => `${place.at}/${job.id}`}
      least="52rem"
      columns={[
        {
          id: "job",
          header: t("column.job"),
          cell: (job) => (
            <>
              <TextLink to={`${place.at}/${job.id}`} size="sm">
                <bdi dir="ltr">{job.name}</bdi>
              </TextLink>
              {job.error_line && (
                <Text size="xs" c="dimmed" lineClamp={1} dir="auto" maw="26rem">
                  {job.error_line}
                </Text>
              )}
            </>
          ),
        },
        { id: "queue", header: t("column.queue"), cell: (job) => <Name>{job.queue}</Name> },
        {
          id: "state",
          header: t("column.state"),
          cell: (job) => (
            <>
              <JobState job={job} />
              {job.progress_total > 0 && (
                <Text size="xs" c="dimmed" className="numbers">
                  {t("attempt", { attempt: numbers.whole(job.progress_done), of: numbers.whole(job.progress_total) })}
                </Text>
              )}
            </>
          ),
          whole: true,
        },
        {
          id: "attempt",
          header: t("column.attempt"),
          cell: (job) => t("attempt", { attempt: numbers.whole(job.attempt), of: numbers.whole(job.max_attempts) }),
          end: true,
        },
        { id: "made", header: t("column.made"), cell: (job) => <Moment at={job.created_at} />, whole: true },
        { id: "waited", header: t("column.waited"), cell: (job) => !job.scheduled && <Length seconds={job.waited_s} />, end: true },
        { id: "ran", header: t("column.ran"), cell: (job) => <Length seconds={job.ran_s} />, end: true },
      ]}
    />
  );
}

function RetryMany({ place, filters }: { place: Place; filters: Wanted }) {
  const t = useT("jobs");
  const numbers = useNumbers();
  const act = useAct();
  const confirm = useConfirm();
  const narrowed = [filters.queue, filters.name].filter(Boolean).join(" ");
  const send = async () => {
    const sure = await confirm({
      title: t("retry_many.title"),
      body: (
        <Stack gap="xs">
          <Text size="sm">{t("retry_many.body")}</Text>
          {narrowed && (
            <Text size="sm" fw={600}>
              {t("retry_many.only", { which: narrowed })}
            </Text>
          )}
        </Stack>
      ),
      confirm: t("retry_many.yes"),
      mild: true,
    });
    if (!sure) return;
    const body = { queue: filters.queue || null, name: filters.name || null, run_id: filters.run || null };
    let retried = 0;
    await act(async () => {
      const { data } = await client.POST(`${place.api}/retry`, { body });
      retried = data?.retried ?? 0;
    });
    if (retried > 0) await act(async () => undefined, t("retried_many", { count: retried, number: numbers.whole(retried) }));
  };
  return (
    <Button leftSection={<IconRefresh size={16} />} variant="default" onClick={() => void send()}>
      {t("retry_many.button")}
    </Button>
  );
}
