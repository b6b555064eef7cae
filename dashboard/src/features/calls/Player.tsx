// The sound of a stretch of a call: its waveform, the caller above and the agent below, and where it is played.

import { ActionIcon, Alert, Button, Group, SegmentedControl, Select, Text } from "@mantine/core";
import { IconPlayerPauseFilled, IconPlayerPlayFilled } from "@tabler/icons-react";
import { useEffect, useImperativeHandle, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent, type Ref } from "react";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { lengthOf } from "@/lib/time";
import classes from "./Player.module.css";

export type Recording = Schema<"RecordingOut">;

export interface PlayerHandle {
  /** Play from this second on. */
  playFrom(seconds: number): void;
  /** Stand at this second. */
  moveTo(seconds: number): void;
}

const STEP_S = 5;
const SPEEDS = ["1", "1.25", "1.5", "2"];

interface PlayerProps {
  callId: string;
  recordings: Recording[];
  leg: number;
  onLeg: (leg: number) => void;
  /** Where it is played, in seconds. */
  onTime: (seconds: number) => void;
  ref?: Ref<PlayerHandle>;
}

export function Player({ callId, recordings, leg, onLeg, onTime, ref }: PlayerProps) {
  const t = useT("calls");
  const audio = useRef<HTMLAudioElement>(null);
  const [at, setAt] = useState(0);
  const [plays, setPlays] = useState(false);
  const [speed, setSpeed] = useState("1");
  const [failed, setFailed] = useState(false);
  const recording = recordings.find((one) => one.leg === leg) ?? recordings[0]!;
  const length = (recording.duration_ms ?? 0) / 1000;

  const told = useRef(onTime);
  useEffect(() => {
    told.current = onTime;
  });
  const moveTo = (seconds: number) => {
    const player = audio.current;
    if (!player) return;
    player.currentTime = Math.min(Math.max(seconds, 0), length);
    setAt(player.currentTime);
    onTime(player.currentTime);
  };
  const play = () => {
    setFailed(false);
    audio.current?.play().catch((fault: unknown) => {
      // A pause before it has begun is no failure.
      if (!(fault instanceof DOMException && fault.name === "AbortError")) setFailed(true);
    });
  };
  useImperativeHandle(ref, () => ({
    playFrom(seconds) {
      moveTo(seconds);
      play();
    },
    moveTo,
  }));
  useEffect(() => {
    if (audio.current) audio.current.playbackRate = Number(speed);
  }, [speed, leg]);
  useEffect(() => {
    if (!plays) return undefined;
    let frame = 0;
    const follow = () => {
      const now = audio.current?.currentTime ?? 0;
      setAt(now);
      told.current(now);
      frame = requestAnimationFrame(follow);
    };
    frame = requestAnimationFrame(follow);
    return () => cancelAnimationFrame(frame);
  }, [plays]);

  return (
    <div data-player="">
      {failed && (
        <Alert color="red" role="alert" mb="xs" title={t("player.failed")}>
          <Button size="compact-sm" variant="default" onClick={play}>
            {t("player.again")}
          </Button>
        </Alert>
      )}
      {recordings.length > 1 && (
        <SegmentedControl
          size="xs" mb="xs" aria-label={t("player.stretch")} value={String(recording.leg)}
          onChange={(value) => {
            // The sound of the other part is another element, which never tells that this one was paused.
            audio.current?.pause();
            setPlays(false);
            setAt(0);
            onLeg(Number(value));
          }}
          data={recordings.map((one) => ({ value: String(one.leg), label: t("player.stretch_of", { leg: one.leg }) }))}
        />
      )}
      <audio
        key={recording.leg} ref={audio} preload="metadata" src={`/api/calls/${callId}/recording?leg=${recording.leg}`}
        onPlay={() => setPlays(true)} onPause={() => setPlays(false)} onEnded={() => setPlays(false)}
      />
      <Group gap="sm" wrap="nowrap" align="center">
        <ActionIcon
          size="xl" radius="xl" variant="filled" aria-label={plays ? t("player.pause") : t("player.play")}
          onClick={() => (plays ? audio.current?.pause() : play())}
        >
          {plays ? <IconPlayerPauseFilled size={20} /> : <IconPlayerPlayFilled size={20} />}
        </ActionIcon>
        <Wave recording={recording} at={at} length={length} moveTo={moveTo} />
      </Group>
      <Group justify="space-between" mt={4}>
        <Text size="sm" className="numbers" dir="ltr" data-time="">
          {lengthOf(at)} / {lengthOf(length)}
        </Text>
        <Group gap="md">
          <Text size="xs" c="dimmed">
            {t("player.sides")}
          </Text>
          <Select
            size="xs" w="5.5rem" aria-label={t("player.speed")} allowDeselect={false} value={speed}
            onChange={(value) => setSpeed(value ?? "1")} data={SPEEDS.map((value) => ({ value, label: `${value}×` }))}
          />
        </Group>
      </Group>
    </div>
  );
}

interface WaveProps {
  recording: Recording;
  at: number;
  length: number;
  moveTo: (seconds: number) => void;
}

/** Time runs as sound does everywhere: from the left, also where one reads from the right. */
function Wave({ recording, at, length, moveTo }: WaveProps) {
  const t = useT("calls");
  const { caller, agent, parts } = useMemo(() => drawn(recording), [recording]);
  const share = length > 0 ? Math.min(at / length, 1) : 0;
  const click = (event: MouseEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    moveTo(((event.clientX - box.x) / box.width) * length);
  };
  const key = (event: KeyboardEvent) => {
    const to = { ArrowRight: at + STEP_S, ArrowUp: at + STEP_S, ArrowLeft: at - STEP_S, ArrowDown: at - STEP_S, Home: 0, End: length };
    const seconds = to[event.key as keyof typeof to];
    if (seconds === undefined) return;
    event.preventDefault();
    moveTo(seconds);
  };
  return (
    <div
      className={classes.wave} dir="ltr" role="slider" tabIndex={0} aria-label={t("player.position")}
      aria-valuemin={0} aria-valuemax={Math.round(length)} aria-valuenow={Math.round(at)}
      aria-valuetext={`${lengthOf(at)} / ${lengthOf(length)}`} onClick={click} onKeyDown={key}
    >
      <svg viewBox={`0 0 ${parts} 200`} preserveAspectRatio="none" aria-hidden>
        <path className={classes.caller} d={caller} />
        <path className={classes.agent} d={agent} />
      </svg>
      <div className={classes.played} style={{ inlineSize: `${share * 100}%` }} />
    </div>
  );
}

/** Both sides as paths of bars, the caller's up and the agent's down from the middle. */
function drawn({ peaks }: Recording): { caller: string; agent: string; parts: number } {
  const bars = (heights: number[], sign: 1 | -1) =>
    heights.map((height, index) => `M${index + 0.1} 100h0.8v${sign * Math.max(height, 1)}h-0.8z`).join("");
  const { caller = [], agent = [] } = peaks ?? {};
  return { caller: bars(caller, -1), agent: bars(agent, 1), parts: Math.max(caller.length, 1) };
}
