// How fast the agent answered: a bar for each answer, from the caller's last sound to its first sound on the line,
// stage by stage. When it was heard is known of some carriers only: that is said, and neither drawn nor counted.

import { Group, Progress, Stack, Text, Tooltip } from "@mantine/core";
import { useNumbers, useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { latenciesOf, type CallEvent, type Latency } from "./lines";

const STAGES = [
  ["endpoint_ms", "gray"],
  ["transcript_ms", "yellow"],
  ["first_token_ms", "trunk"],
  ["first_audio_ms", "indigo"],
  ["on_the_wire_ms", "grape"],
] as const;

export function Latencies({ events }: { events: CallEvent[] }) {
  const t = useT("calls");
  const numbers = useNumbers();
  const time = useTime();
  const answers = [...latenciesOf(events).values()].filter((one) => one.reply_ms !== undefined);
  if (answers.length === 0) return <Text c="dimmed">{t("latency.none")}</Text>;
  const longest = Math.max(...answers.map((one) => one.reply_ms ?? 0));
  const sorted = answers.map((one) => one.reply_ms ?? 0).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const stagesOf = (one: Latency) => STAGES.filter(([stage]) => (one[stage] ?? 0) > 0);
  return (
    <Stack gap="xs">
      <Text size="sm">{t("latency.median", { ms: numbers.whole(median), count: answers.length })}</Text>
      {answers.map((one) => {
        const stages = [...STAGES.map(([stage]) => stage), "heard_ms" as const]
          .filter((stage) => (one[stage] ?? 0) > 0)
          .map((stage) => `${t(`latency.${stage}`)} ${numbers.whole(one[stage] ?? 0)}`)
          .join(", ");
        return (
          <Group key={`${one.leg}.${one.turn}`} gap="sm" wrap="nowrap">
            <Text size="xs" c="dimmed" w="4.2rem" className="numbers">
              {time.exactClock(one.began_at)}
            </Text>
            <Tooltip label={stages} multiline maw="18rem">
              <Progress.Root size="lg" flex={1} role="img" aria-label={stages}>
                {stagesOf(one).map(([stage, color]) => (
                  <Progress.Section key={stage} withAria={false} color={color} value={((one[stage] ?? 0) / longest) * 100} />
                ))}
              </Progress.Root>
            </Tooltip>
            <Text size="sm" w="4.5rem" ta="end" className="numbers" dir="ltr">
              {t("latency.ms", { ms: numbers.whole(one.reply_ms ?? 0) })}
            </Text>
          </Group>
        );
      })}
      <Group gap="md">
        {STAGES.map(([stage, color]) => (
          <Group key={stage} gap={6}>
            <Progress.Root size="md" w="1rem" aria-hidden>
              <Progress.Section withAria={false} color={color} value={100} />
            </Progress.Root>
            <Text size="xs">{t(`latency.${stage}`)}</Text>
          </Group>
        ))}
      </Group>
    </Stack>
  );
}
