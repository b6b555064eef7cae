// How long the agent takes to answer, turn by turn, and where the time goes.

import { Group, Progress, Text, Tooltip } from "@mantine/core";
import type { Told } from "@/features/agents/talk/line";
import { toneOf } from "@/features/agents/talk/Transcript";
import { useNumbers, useT } from "@/lib/i18n";
import { Panel } from "@/ui/Panel";
import classes from "./talk.module.css";

const STAGES = [
  ["endpoint_ms", "gray", "stage.endpoint"],
  ["transcript_ms", "violet", "stage.transcript"],
  ["first_token_ms", "indigo", "stage.first_token"],
  ["first_audio_ms", "cyan", "stage.first_audio"],
  ["on_the_wire_ms", "teal", "stage.on_the_wire"],
] as const;
const SHOWN = 8;

export function Latencies({ told }: { told: Told[] }) {
  const t = useT("talk");
  const numbers = useNumbers();
  const turns = told.filter(({ kind, data }) => kind === "latency" && typeof data.reply_ms === "number").slice(-SHOWN);
  if (turns.length === 0) return null;
  const seconds = (ms: number) => t("seconds", { seconds: numbers.one(ms / 1000) });
  const replies = turns.map(({ data }) => Number(data.reply_ms));
  const longest = Math.max(2_000, ...replies);
  const middle = [...replies].sort((one, other) => one - other)[Math.floor(replies.length / 2)] ?? 0;
  return (
    <Panel title={t("latency.title")} about={t("latency.about")}>
      <Text size="sm" mb="xs" data-latency={middle}>
        {t("latency.middle", { value: seconds(middle) })}
      </Text>
      {turns.map(({ sequence, data }) => {
        const reply = Number(data.reply_ms);
        const parts = STAGES.map(([field, color, label]) => ({ color, label, ms: Math.max(0, Number(data[field] ?? 0)) }));
        return (
          <div key={sequence} className={classes.turn}>
            <Progress.Root size="lg" aria-label={t("latency.turn", { turn: Number(data.turn), value: seconds(reply) })}>
              {parts
                .filter(({ ms }) => ms > 0)
                .map(({ color, label, ms }) => (
                  <Tooltip key={label} label={`${t(label)}: ${seconds(ms)}`}>
                    <Progress.Section value={(100 * ms) / longest} color={color} withAria={false} />
                  </Tooltip>
                ))}
            </Progress.Root>
            <Text size="sm" className="numbers" c={toneOf(reply)} ta="end">
              {seconds(reply)}
            </Text>
          </div>
        );
      })}
      <Group gap="sm" mt="xs">
        {STAGES.map(([field, color, label]) => (
          <Group key={field} gap={4} wrap="nowrap">
            <span className={classes.dot} style={{ background: `var(--mantine-color-${color}-filled)` }} />
            <Text size="xs" c="dimmed">
              {t(label)}
            </Text>
          </Group>
        ))}
      </Group>
    </Panel>
  );
}
