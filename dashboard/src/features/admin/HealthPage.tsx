// The machinery: worker processes, queues over all businesses, recurring jobs.

import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconExternalLink } from "@tabler/icons-react";
import { useDepthColumns } from "@/features/jobs/Depths";
import { Length, Name } from "@/features/jobs/words";
import { api, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { Answer } from "@/ui/Answer";
import { DataTable } from "@/ui/DataTable";
import { ButtonLink, TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

const EVERY_MS = 3_000;
const FAILURES_EVERY_MS = 30_000;
const MIB = 2 ** 20;
const TONES: Record<string, Tone> = { idle: "good", busy: "busy", stopping: "wait", silent: "bad" };
const NOTHING = { ready: 0, scheduled: 0, running: 0, dead: 0, oldest_ready_s: null };
const often = { refetchInterval: EVERY_MS };

export default function HealthPage() {
  const t = useT("admin");
  const workers = api.useQuery("get", "/api/admin/workers", {}, often);
  const queues = api.useQuery("get", "/api/admin/queues", {}, often);
  const schedules = api.useQuery("get", "/api/admin/schedules", {}, often);
  const failures = api.useQuery("get", "/api/admin/carrier-failures", {}, { refetchInterval: FAILURES_EVERY_MS });
  return (
    <>
      <PageHeader title={t("health.title")} about={t("health.about")}>
        <ButtonLink to="/system/jobs" variant="default">
          {t("health.jobs")}
        </ButtonLink>
        <Button
          component="a"
          href="/admin/rq/"
          target="_blank"
          rel="noopener"
          variant="default"
          rightSection={<IconExternalLink size={16} />}
        >
          {t("health.rq")}
        </Button>
      </PageHeader>
      <Stack gap="md">
        <Panel title={t("health.workers")}>
          <Answer of={workers}>{(found) => <Workers workers={found} />}</Answer>
        </Panel>
        <Panel title={t("failures.title")}>
          <Answer of={failures}>{(found) => <CarrierFailures failures={found} />}</Answer>
        </Panel>
        <Answer of={queues}>{(found) => <Queues found={found} />}</Answer>
        <Panel title={t("health.schedules")}>
          <Answer of={schedules}>{(found) => <Schedules schedules={found} />}</Answer>
        </Panel>
      </Stack>
    </>
  );
}

function Workers({ workers }: { workers: Schema<"WorkerOut">[] }) {
  const t = useT("admin");
  const numbers = useNumbers();
  if (workers.length === 0) {
    return (
      <Alert color="red" icon={<IconAlertTriangle size={20} />} title={t("health.no_workers")}>
        {t("health.how_to_start")}
      </Alert>
    );
  }
  return (
    <DataTable
      label={t("health.workers")}
      rows={workers}
      keyOf={({ name }) => name}
      least="48rem"
      columns={[
        { id: "process", header: t("worker.process"), cell: ({ host, pid }) => <Name>{`${host}:${pid}`}</Name> },
        {
          id: "state",
          header: t("worker.state"),
          cell: ({ state }) => <StatusBadge tone={TONES[state] ?? "quiet"}>{t(`worker_state.${state}`)}</StatusBadge>,
        },
        { id: "job", header: t("worker.job"), cell: ({ job_name: job }) => (job ? <Name>{job}</Name> : t("none")) },
        { id: "run", header: t("worker.jobs_run"), end: true, cell: (worker) => numbers.whole(worker.jobs_run) },
        { id: "memory", header: t("worker.memory"), end: true, cell: (worker) => t("worker.mib", { mib: numbers.whole(worker.rss_bytes / MIB) }) },
        { id: "heard", header: t("worker.heard"), end: true, cell: (worker) => <Length seconds={worker.silent_s} /> },
        { id: "queues", header: t("worker.queues"), cell: (worker) => <bdi dir="ltr">{worker.queues.join(", ")}</bdi> },
      ]}
    />
  );
}

function Queues({ found }: { found: Schema<"QueuesOut"> }) {
  const t = useT("admin");
  const numbers = useNumbers();
  const columns = useDepthColumns<Schema<"DepthOut"> & { queue: string }>();
  const ofBusinesses = useDepthColumns<Schema<"BusinessDepthOut">>();
  const names = [...new Set([...Object.keys(found.queues), ...Object.keys(found.ended)])].sort();
  const rows = names.map((queue) => ({ queue, ...(found.queues[queue] ?? NOTHING) }));
  const over = (queue: string, end: string) => numbers.whole(found.ended[queue]?.[end] ?? 0);
  return (
    <>
      <Panel title={t("health.queues")}>
        {rows.length === 0 ? (
          <Quiet words={t("health.at_rest")} />
        ) : (
          <DataTable
            label={t("health.queues")}
            rows={rows}
            keyOf={({ queue }) => queue}
            least="48rem"
            columns={[
              { id: "queue", header: t("health.queue"), cell: ({ queue }) => <Name>{queue}</Name> },
              ...columns,
              { id: "succeeded", header: t("health.succeeded"), end: true, cell: ({ queue }) => over(queue, "succeeded") },
              { id: "failed", header: t("health.failed"), end: true, cell: ({ queue }) => over(queue, "failed") },
            ]}
          />
        )}
      </Panel>
      <Panel title={t("health.who")}>
        {found.businesses.length === 0 ? (
          <Quiet words={t("health.at_rest")} />
        ) : (
          <DataTable
            label={t("health.who")}
            rows={found.businesses}
            keyOf={({ business_id: id, queue }) => `${id} ${queue}`}
            columns={[
              {
                id: "business",
                header: t("usage.business"),
                cell: ({ business, business_id: id }) =>
                  id ? <bdi>{business ?? id}</bdi> : <TextLink to="/system/jobs" size="sm">{t("health.itself")}</TextLink>,
              },
              { id: "queue", header: t("health.queue"), cell: ({ queue }) => <Name>{queue}</Name> },
              ...ofBusinesses,
            ]}
          />
        )}
      </Panel>
    </>
  );
}

function CarrierFailures({ failures }: { failures: Schema<"CarrierFailureOut">[] }) {
  const t = useT("admin");
  const numbers = useNumbers();
  if (failures.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t("failures.none")}
      </Text>
    );
  }
  return (
    <DataTable
      label={t("failures.title")}
      rows={failures}
      keyOf={({ business_id: business, number, code }) => `${business} ${number} ${code}`}
      least="40rem"
      columns={[
        { id: "business", header: t("failures.business"), cell: ({ business }) => <bdi>{business}</bdi> },
        { id: "number", header: t("failures.number"), cell: ({ number }) => <bdi dir="ltr">{number}</bdi> },
        {
          id: "code",
          header: t("failures.code"),
          cell: ({ code }) => (code === "unanswered" ? t("failures.unanswered") : <Name>{code}</Name>),
        },
        { id: "dials", header: t("failures.dials"), end: true, cell: ({ dials }) => numbers.whole(dials) },
        { id: "last", header: t("failures.last"), cell: ({ last_at: at }) => <Moment at={at} />, whole: true },
      ]}
    />
  );
}

function Schedules({ schedules }: { schedules: Schema<"ScheduleOut">[] }) {
  const t = useT("admin");
  const numbers = useNumbers();
  return (
    <DataTable
      label={t("health.schedules")}
      rows={schedules}
      keyOf={({ name }) => name}
      least="48rem"
      columns={[
        { id: "name", header: t("schedule.job"), cell: ({ name }) => <Name>{name}</Name> },
        { id: "rule", header: t("schedule.rule"), cell: ({ rule }) => <bdi dir="ltr">{rule}</bdi> },
        { id: "last", header: t("schedule.last"), cell: ({ fired_at: at }) => (at ? <Moment at={at} /> : t("schedule.never")), whole: true },
        {
          id: "next",
          header: t("schedule.next"),
          cell: ({ next_tick: next, overdue }) => (
            <Group gap="xs" wrap="nowrap">
              <Moment at={next} />
              {overdue > 1 && <StatusBadge tone="bad">{t("schedule.overdue", { count: overdue })}</StatusBadge>}
            </Group>
          ),
          whole: true,
        },
        { id: "fired", header: t("schedule.fired"), end: true, cell: ({ fired }) => numbers.whole(fired) },
        { id: "missed", header: t("schedule.missed"), end: true, cell: ({ missed }) => numbers.whole(missed) },
      ]}
    />
  );
}

function Quiet({ words }: { words: string }) {
  return (
    <Text c="dimmed" size="sm">
      {words}
    </Text>
  );
}
