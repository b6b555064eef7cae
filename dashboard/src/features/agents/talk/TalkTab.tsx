// "Talk to your agent": a telephone in the page.

import { Alert, Button, Group, Popover, Select, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconDialpad, IconMicrophone, IconMicrophoneOff, IconPhone, IconPhoneOff } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import type { Agent } from "@/features/agents/draft";
import { Latencies } from "@/features/agents/talk/Latencies";
import {
  hangUp, isBusy, keepMicrophone, keptMicrophone, mute, press, talkTo, useCall, type CallState,
} from "@/features/agents/talk/line";
import { Level } from "@/features/agents/talk/Level";
import { Transcript } from "@/features/agents/talk/Transcript";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { lengthOf } from "@/lib/time";
import { ErrorNote } from "@/ui/ErrorNote";
import { ButtonLink } from "@/ui/LinkTo";
import { Panel } from "@/ui/Panel";
import classes from "./talk.module.css";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

export function TalkTab({ agent, unsaved }: { agent: Agent; unsaved: boolean }) {
  const t = useT("talk");
  const { may } = useSession();
  const call = useCall();
  return (
    <SimpleGrid
      cols={{ base: 1, md: 2 }}
      spacing="md"
      data-phone={call.phase}
      data-played-ms={call.sound.played}
      data-audible-ms={call.sound.audible}
      data-sent-ms={call.sound.sent}
      data-gaps={call.sound.gaps}
    >
      <Stack gap="md">
        <Panel title={t("title")} about={t("about")}>
          <Stack gap="sm">
            <Where call={call} />
            {call.complaint && (
              <Alert color="red" role="alert">
                {t(call.complaint)}
              </Alert>
            )}
            {call.error !== null && <ErrorNote error={call.error} />}
            {unsaved && !isBusy(call.phase) && (
              <Text size="sm" c="dimmed">
                {t("unsaved", { number: agent.version })}
              </Text>
            )}
            <Buttons agent={agent} call={call} mayTalk={may("agent") && agent.archived_at === null} />
            {!may("agent") && (
              <Text size="sm" c="dimmed">
                {t("needs_role")}
              </Text>
            )}
            <Levels call={call} />
            <Microphones phase={call.phase} />
          </Stack>
        </Panel>
        <Latencies told={call.told} />
      </Stack>
      <Transcript call={call} agentName={agent.name} />
    </SimpleGrid>
  );
}

function Where({ call }: { call: CallState }) {
  const t = useT("talk");
  const words =
    call.phase === "live"
      ? t(call.sound.isPlaying ? "phase.speaking" : "phase.listening")
      : call.phase === "ended"
        ? t(call.callId ? "phase.ended" : "phase.idle")
        : t(`phase.${call.phase}`);
  return (
    <Group justify="space-between" className={classes.where} data-sounds={call.phase === "live" && call.sound.isPlaying}>
      <Text fw={600} role="status">
        {words}
        {call.phase === "ended" && call.reason && <Because reason={call.reason} />}
      </Text>
      {call.startedAt !== null && call.phase === "live" && <Clock since={call.startedAt} />}
    </Group>
  );
}

function Because({ reason }: { reason: string }) {
  const t = useT("talk");
  const words = t([`reason.${reason}`, "reason.other"], { reason: reason.replaceAll("_", " ") });
  return <> {t("ended_because", { reason: words })}</>;
}

function Clock({ since }: { since: number }) {
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <Text className="numbers" c="dimmed">
      {lengthOf((now - since) / 1000)}
    </Text>
  );
}

function Buttons({ agent, call, mayTalk }: { agent: Agent; call: CallState; mayTalk: boolean }) {
  const t = useT("talk");
  if (!isBusy(call.phase)) {
    return (
      <Group gap="xs">
        <Button
          size="md"
          leftSection={<IconPhone size={18} />}
          disabled={!mayTalk}
          onClick={() => void talkTo(agent.id)}
        >
          {t(call.phase === "ended" && call.callId ? "again" : "call")}
        </Button>
        {call.phase === "ended" && call.callId && (
          <ButtonLink size="md" variant="default" to={`/calls/${call.callId}`}>
            {t("open_call")}
          </ButtonLink>
        )}
      </Group>
    );
  }
  return (
    <Group gap="xs">
      <Button size="md" color="red" leftSection={<IconPhoneOff size={18} />} onClick={hangUp}>
        {t("hang_up")}
      </Button>
      {call.phase === "live" && (
        <>
          <Button
            size="md"
            variant={call.muted ? "filled" : "default"}
            color="yellow"
            aria-pressed={call.muted}
            leftSection={call.muted ? <IconMicrophoneOff size={18} /> : <IconMicrophone size={18} />}
            onClick={() => mute(!call.muted)}
          >
            {t(call.muted ? "unmute" : "mute")}
          </Button>
          <Popover position="bottom" trapFocus withArrow>
            <Popover.Target>
              <Button size="md" variant="default" leftSection={<IconDialpad size={18} />}>
                {t("keys")}
              </Button>
            </Popover.Target>
            <Popover.Dropdown>
              <div className={classes.keys} dir="ltr">
                {KEYS.map((key) => (
                  <Button key={key} variant="default" onClick={() => press(key)} aria-label={t("press", { key })}>
                    {key}
                  </Button>
                ))}
              </div>
              <Text size="xs" c="dimmed" mt="xs">
                {t("keyboard")}
              </Text>
            </Popover.Dropdown>
          </Popover>
        </>
      )}
    </Group>
  );
}

function Levels({ call }: { call: CallState }) {
  const t = useT("talk");
  if (call.phase !== "live") return null;
  return (
    <Stack gap={6}>
      <Level label={t("level.you")} loudness={call.sound.heard} muted={call.muted} />
      <Level label={t("level.agent")} loudness={call.sound.said} />
    </Stack>
  );
}

/** The microphones that there are. Their names are told once the page has been allowed to hear one. */
function Microphones({ phase }: { phase: CallState["phase"] }) {
  const t = useT("talk");
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  const [chosen, setChosen] = useState(keptMicrophone);
  useEffect(() => {
    if (!("mediaDevices" in navigator)) return undefined;
    const media = navigator.mediaDevices;
    let gone = false;
    async function look() {
      const found = await media.enumerateDevices();
      if (!gone) setDevices(found.filter(({ kind, label }) => kind === "audioinput" && label));
    }
    const again = () => void look();
    again();
    media.addEventListener("devicechange", again);
    return () => {
      gone = true;
      media.removeEventListener("devicechange", again);
    };
  }, [phase]);
  if (devices.length < 2) return null;
  return (
    <Select
      label={t("microphone")}
      description={isBusy(phase) ? t("microphone_next") : undefined}
      data={devices.map(({ deviceId, label }) => ({ value: deviceId, label }))}
      value={devices.some(({ deviceId }) => deviceId === chosen) ? chosen : (devices[0]?.deviceId ?? null)}
      allowDeselect={false}
      onChange={(value) => {
        if (!value) return;
        keepMicrophone(value);
        setChosen(value);
      }}
    />
  );
}
