// The runs that go on, each with its exact bar; one that is over is gone at once.

import { Group, Stack, Text } from "@mantine/core";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useRunProgress } from "@/lib/live";
import { ButtonLink, TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { Panel } from "@/ui/Panel";
import { ProgressBar } from "@/ui/ProgressBar";
import { StatusBadge } from "@/ui/StatusBadge";

type ActiveRun = Schema<"ActiveRunOut">;

export function ActiveRuns({ runs }: { runs: ActiveRun[] }) {
  const t = useT("overview");
  return (
    <Panel
      title={t("runs.title")}
      actions={
        <ButtonLink to="/runs" size="xs" variant="default">
          {t("runs.all")}
        </ButtonLink>
      }
    >
      {runs.length === 0 ? (
        <Text c="dimmed" size="sm">
          {t("runs.none")}
        </Text>
      ) : (
        <Stack gap="md" data-part="runs">
          {runs.map((run) => (
            <Run key={run.id} run={run} />
          ))}
        </Stack>
      )}
    </Panel>
  );
}

function Run({ run }: { run: ActiveRun }) {
  const t = useT("overview");
  const numbers = useNumbers();
  const told = useRunProgress(run.id);
  const state = told?.state ?? run.state;
  if (told?.over || (state !== "running" && state !== "paused")) return null;
  const { total, queued, active, done, failed, cancelled, unknown } = told?.progress ?? run.progress;
  const settled = total - queued - active;
  return (
    <div data-run={run.id}>
      <Group justify="space-between" gap="xs" mb={4} wrap="nowrap">
        <TextLink to={`/runs/${run.id}`} fw={600}>
          <bdi>{run.title}</bdi>
        </TextLink>
        <Group gap="xs" wrap="nowrap">
          {run.held_until && (
            <StatusBadge tone="wait">
              {t("runs.held")} <Moment at={run.held_until} />
            </StatusBadge>
          )}
          <StatusBadge tone={state === "running" ? "busy" : "wait"}>{t(`runs.${state}`)}</StatusBadge>
        </Group>
      </Group>
      <ProgressBar
        label={t("runs.bar", { title: run.title })}
        total={total}
        parts={[
          { tone: "good", count: done },
          { tone: "bad", count: failed },
          { tone: "odd", count: unknown },
          { tone: "quiet", count: cancelled },
        ]}
      />
      <Text size="xs" c="dimmed" mt={4} className="numbers">
        {t("runs.figures", {
          settled: numbers.whole(settled),
          total: numbers.whole(total),
          active: numbers.whole(active),
          done: numbers.whole(done),
          failed: numbers.whole(failed),
        })}
      </Text>
    </div>
  );
}
