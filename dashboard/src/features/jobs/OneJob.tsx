// One job: its facts, what went wrong, and sending it back or stopping it.

import { Button, Checkbox, Code, Spoiler, Stack, Text } from "@mantine/core";
import { IconPlayerStop, IconRefresh } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { Facts } from "@/ui/Facts";
import { TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";
import classes from "./Jobs.module.css";
import type { Place } from "./place";
import { JobState, Length, Name } from "./words";

type Job = Schema<"JobDetailOut">;

const BUSY_MS = 1_000;
const FORCED_AFTER_S = 10;
const isActive = ({ state }: Pick<Job, "state">) => state === "queued" || state === "running";

export function OneJob({ place, id }: { place: Place; id: string }) {
  const t = useT("jobs");
  const job = api.useQuery(
    "get",
    `${place.api}/{job_id}`,
    { params: { path: { job_id: id } } },
    { refetchInterval: ({ state }) => (state.data && isActive(state.data) && !state.data.scheduled ? BUSY_MS : false) },
  );
  return (
    <Answer of={job}>
      {(found) => (
        <>
          <PageHeader
            title={found.name}
            heading={<bdi dir="ltr">{found.name}</bdi>}
            back={{ to: place.at, label: t(`back.${place.of}`) }}
            badge={<JobState job={found} />}
          >
            <Acts job={found} place={place} />
          </PageHeader>
          <Stack gap="md">
            {found.error && (
              <Panel title={t("job.error")}>
                <Code block dir="ltr" className={classes.trace} tabIndex={0} aria-label={t("job.error")}>
                  {found.error}
                </Code>
              </Panel>
            )}
            <Panel>
              <JobFacts job={found} place={place} />
            </Panel>
            <Panel title={t("job.arguments")} about={t("job.arguments_note")}>
              <Spoiler maxHeight={90} showLabel={t("job.show")} hideLabel={t("job.hide")}>
                <Code block dir="ltr">
                  {JSON.stringify(found.args, null, 2)}
                </Code>
              </Spoiler>
            </Panel>
          </Stack>
        </>
      )}
    </Answer>
  );
}

function JobFacts({ job, place }: { job: Job; place: Place }) {
  const t = useT("jobs");
  const numbers = useNumbers();
  const moment = (at: string | null) => at && <Moment at={at} how="dateTime" />;
  const { progress_done: done, progress_total: total } = job;
  return (
    <Facts
      facts={[
        { label: t("column.queue"), value: <Name>{job.queue}</Name> },
        {
          label: t("column.attempt"),
          value: t("attempt", { attempt: numbers.whole(job.attempt), of: numbers.whole(job.max_attempts) }),
        },
        total > 0 && { label: t("job.progress"), value: t("attempt", { attempt: numbers.whole(done), of: numbers.whole(total) }) },
        { label: t("column.made"), value: moment(job.created_at) },
        { label: t("job.due"), value: moment(job.run_at) },
        { label: t("job.began"), value: moment(job.started_at) },
        { label: t("job.ended"), value: moment(job.finished_at) },
        { label: t("job.asked"), value: moment(job.cancel_requested_at) },
        { label: t("job.expires"), value: moment(job.expires_at) },
        !job.scheduled && { label: t("column.waited"), value: <Length seconds={job.waited_s} /> },
        { label: t("column.ran"), value: job.ran_s === null ? null : <Length seconds={job.ran_s} /> },
        { label: t("job.timeout"), value: <Length seconds={job.timeout_s} /> },
        { label: t("job.backoff"), value: <Length seconds={job.backoff_s} /> },
        { label: t("job.worker"), value: job.lease_owner && <Name>{job.lease_owner}</Name> },
        { label: t("job.dedup_key"), value: job.dedup_key && <Name>{job.dedup_key}</Name> },
        {
          label: t("job.run"),
          value: job.run_id && (
            <TextLink to={place.at} search={{ run: job.run_id }} size="sm">
              {t("job.its_jobs")}
            </TextLink>
          ),
        },
        { label: t("job.trace"), value: <Name>{job.trace_id}</Name> },
        { label: t("job.id"), value: <Name>{job.id}</Name> },
      ]}
    />
  );
}

function Acts({ job, place }: { job: Job; place: Place }) {
  const t = useT("jobs");
  const act = useAct();
  const confirm = useConfirm();
  const answers = useQueryClient();
  const force = useRef(false);
  const path = { job_id: job.id };
  const again = () => answers.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith(place.api) });
  const retry = async () => {
    await act(() => client.POST(`${place.api}/{job_id}/retry`, { params: { path } }), t("job.now_retried"));
    await again();
  };
  const isRunning = job.state === "running";
  const cancel = async () => {
    force.current = job.cancel_requested_at !== null;
    const sure = await confirm({
      title: t(isRunning ? "stop.title" : "cancel.title"),
      body: (
        <Stack gap="sm">
          <Text size="sm">{t(isRunning ? "stop.body" : "cancel.body")}</Text>
          {isRunning && (
            <Checkbox
              label={t("stop.force")}
              description={t("stop.force_hint", { seconds: FORCED_AFTER_S })}
              defaultChecked={force.current}
              onChange={(event) => (force.current = event.currentTarget.checked)}
            />
          )}
        </Stack>
      ),
      confirm: t(isRunning ? "stop.yes" : "cancel.yes"),
    });
    if (!sure) return;
    const body = { force: isRunning && force.current };
    await act(
      () => client.POST(`${place.api}/{job_id}/cancel`, { params: { path }, body }),
      t(isRunning ? "job.now_stopping" : "job.now_cancelled"),
    );
    await again();
  };
  return (
    <>
      {job.state === "failed" && (
        <Button leftSection={<IconRefresh size={16} />} onClick={() => void retry()}>
          {t("job.retry")}
        </Button>
      )}
      {isActive(job) && (
        <Button variant="default" leftSection={<IconPlayerStop size={16} />} onClick={() => void cancel()}>
          {t(isRunning ? "job.stop" : "job.cancel")}
        </Button>
      )}
    </>
  );
}
