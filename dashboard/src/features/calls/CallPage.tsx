// One call, while it is live and afterwards: what is known of it, its sound, its transcript, what can be done with it.

import { Grid, Stack, Text } from "@mantine/core";
import { useEffect, useMemo, useRef, useState } from "react";
import { useFilters, usePath } from "@/lib/address";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { Facts } from "@/ui/Facts";
import { TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";
import { Controls } from "./Controls";
import { Latencies } from "./Latencies";
import { lineAt, linesOf, type Line } from "./lines";
import { ListenIn } from "./ListenIn";
import { Notes } from "./Notes";
import { Player, type PlayerHandle, type Recording } from "./Player";
import { Transcript } from "./Transcript";
import { CameTo, Direction, isOpen, Talked, useReason, With } from "./words";

type Call = Schema<"CallDetail">;

const WHILE_OPEN_MS = 5_000;

export default function CallPage() {
  const callId = usePath("callId");
  const path = { params: { path: { call_id: callId } } };
  // Events tell when to ask again; that a call goes on for long is no event.
  const call = api.useQuery("get", "/api/calls/{call_id}", path, {
    refetchInterval: ({ state }) => (state.data && !state.data.finalized_at ? WHILE_OPEN_MS : false),
  });
  // The line that a search has found: the page opens there, and its sound stands where the line begins.
  const [{ line }] = useFilters({ line: "" });
  return (
    <Answer of={call}>
      {(data) => <OneCall key={`${data.id} ${line}`} call={data} line={line} asked={() => call.refetch()} />}
    </Answer>
  );
}

function OneCall({ call, line, asked }: { call: Call; line: string; asked: () => Promise<unknown> }) {
  const t = useT("calls");
  const { may } = useSession();
  const path = { params: { path: { call_id: call.id } } };
  const acts = api.useQuery("get", "/api/calls/{call_id}/controls", path);
  const possible = api.useQuery("get", "/api/calls/{call_id}/controls/possible", path, { enabled: call.state === "live" });
  const recordings = api.useQuery("get", "/api/calls/{call_id}/recordings", path, {
    refetchInterval: ({ state }) =>
      !isOpen(call) && state.data?.some((one) => one.state === "coming") ? WHILE_OPEN_MS : false,
  });
  const lines = useMemo(() => linesOf(call, acts.data ?? []), [call, acts.data]);
  const changed = () => Promise.all([asked(), acts.refetch(), possible.refetch()]);
  const name = call.lead_name || call.theirs;
  return (
    <>
      <PageHeader
        title={t("call.title", { name })} heading={<With call={call} />} badge={<CameTo call={call} />}
        back={{ to: "/calls", label: t("title") }}
      >
        {call.state === "live" && may("agent") && <Controls callId={call.id} possible={possible.data ?? []} changed={changed} />}
      </PageHeader>
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack>
            {call.state === "live" && may("agent") && (
              <Panel title={t("listen.title")}>
                <ListenIn key={call.id} callId={call.id} />
              </Panel>
            )}
            <Told call={call} lines={lines} line={line} recordings={recordings.data ?? []} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Stack>
            <Panel title={t("call.facts")}>
              <CallFacts call={call} />
            </Panel>
            <Panel title={t("notes.title")}>
              <Notes callId={call.id} notes={call.notes} changed={asked} />
            </Panel>
            <Panel title={t("latency.title")} about={t("latency.about")}>
              <Latencies events={call.events} />
            </Panel>
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  );
}

/** The sound and the transcript, which lead each other. */
function Told({ call, lines, line, recordings }: { call: Call; lines: Line[]; line: string; recordings: Recording[] }) {
  const t = useT("calls");
  const kept = recordings.filter((one) => one.state === "kept");
  const found = lines.find(({ key }) => key === line);
  const [leg, setLeg] = useState(found?.leg ?? 1);
  const [sounding, setSounding] = useState(found?.key);
  const player = useRef<PlayerHandle>(null);
  const wanted = useRef<number | null>(null);
  const recording = kept.find((one) => one.leg === leg) ?? kept[0];
  const beganAt = recording?.began_at;
  const follow = (seconds: number) => {
    if (recording && beganAt) setSounding(lineAt(lines, recording.leg, beganAt, seconds)?.key);
  };
  const play = (line: Line) => {
    const of = kept.find((one) => one.leg === line.leg);
    if (!of?.began_at) return undefined;
    const seconds = (Date.parse(line.at) - Date.parse(of.began_at)) / 1000;
    if (of.leg === recording?.leg) return () => player.current?.playFrom(seconds);
    return () => {
      wanted.current = seconds;
      setLeg(of.leg);
    };
  };
  const begins = found && recording?.leg === found.leg && beganAt ? (Date.parse(found.at) - Date.parse(beganAt)) / 1000 : null;
  useEffect(() => {
    if (begins !== null) player.current?.moveTo(begins);
  }, [begins]);
  useEffect(() => {
    // A line of another stretch was chosen: its sound is there now.
    if (wanted.current !== null) player.current?.playFrom(wanted.current);
    wanted.current = null;
  }, [leg]);
  return (
    <Stack>
      {recordings.length > 0 && (
        <Panel title={t("player.title")}>
          {recording ? (
            <Player ref={player} callId={call.id} recordings={kept} leg={recording.leg} onLeg={setLeg} onTime={follow} />
          ) : (
            <Text c="dimmed">{t(isOpen(call) ? "player.being_made" : "player.coming")}</Text>
          )}
        </Panel>
      )}
      {recordings.length === 0 && !isOpen(call) && call.answered_at !== null && (
        <Panel title={t("player.title")}>
          <Text c="dimmed">{t("player.none")}</Text>
        </Panel>
      )}
      <Panel title={t("transcript.title")}>
        {lines.length > 0 ? (
          <Transcript lines={lines} sounding={sounding} play={kept.length > 0 ? play : undefined} grows={isOpen(call)} />
        ) : (
          <Text c="dimmed">{t(isOpen(call) ? "transcript.not_yet" : "transcript.empty")}</Text>
        )}
      </Panel>
    </Stack>
  );
}

function Agent({ call }: { call: Call }) {
  const t = useT("calls");
  if (call.agent_version === null) return <bdi>{call.agent_name}</bdi>;
  return (
    <span>
      <bdi>{call.agent_name}</bdi>, {t("call.version", { number: call.agent_version })}
    </span>
  );
}

function CallFacts({ call }: { call: Call }) {
  const t = useT("calls");
  const reason = useReason();
  return (
    <Facts
      facts={[
        { label: t("column.direction"), value: <Direction call={call} /> },
        { label: t("column.talked"), value: <Talked call={call} /> },
        call.lead_id !== null && {
          label: t("call.lead"),
          value: (
            <TextLink to={`/leads/${call.lead_id}`}>
              <bdi>{call.lead_name || call.theirs}</bdi>
            </TextLink>
          ),
        },
        call.run_id !== null && {
          label: t("call.run"),
          value: (
            <TextLink to={`/runs/${call.run_id}`}>
              <bdi>{call.run_title}</bdi>
            </TextLink>
          ),
        },
        call.agent_name !== null && { label: t("column.agent"), value: <Agent call={call} /> },
        call.ours !== "" && { label: t("call.ours"), value: <bdi dir="ltr">{call.ours}</bdi> },
        { label: t("column.began"), value: <Moment at={call.created_at} how="dateTime" /> },
        call.ended_at !== null && { label: t("call.ended"), value: <Moment at={call.ended_at} how="dateTime" /> },
        call.answered_by !== null && { label: t("call.answered_by"), value: t(`answered_by.${call.answered_by}`) },
        call.booked_at !== null && { label: t("call.booked"), value: <Moment at={call.booked_at} how="dateTime" /> },
        call.end_reason !== null && {
          label: t("call.end_reason"),
          value: reason(call.end_reason),
        },
      ]}
    />
  );
}
