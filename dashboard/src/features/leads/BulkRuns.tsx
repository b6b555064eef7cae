// Bulk work that goes on: how far it is, and stopping it. It goes when it is over; how it ended is said once.

import { ActionIcon, Alert, Button, Card, Group, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconPlayerPause, IconPlayerPlay, IconX } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useFilters } from "@/lib/address";
import { api, client, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { ProgressBar } from "@/ui/ProgressBar";

type BulkRun = Schema<"BulkRunOut">;

const LOOK_EVERY_MS = 1_000;
const isActive = (run: BulkRun) => run.state === "running" || run.state === "paused";

export function BulkRuns() {
  const t = useT("leads");
  const numbers = useNumbers();
  const queries = useQueryClient();
  const runs = api.useQuery("get", "/api/leads/bulk-runs", undefined, {
    // Its figures come with the events of its slices; this is for when the stream is away.
    refetchInterval: (query) => ((query.state.data as BulkRun[] | undefined)?.some(isActive) ? LOOK_EVERY_MS : false),
  });
  const active = (runs.data ?? []).filter(isActive);
  const seen = useRef(new Set<string>());
  useEffect(() => {
    for (const run of runs.data ?? []) {
      if (isActive(run)) {
        seen.current.add(run.id);
      } else if (seen.current.delete(run.id)) {
        const { done, skipped } = run.progress;
        notifications.show({
          color: run.state === "completed" ? "trunk" : "yellow",
          title: t(`bulk.over.${run.state}`),
          message: t("bulk.over.counts", { done: numbers.whole(done), skipped: numbers.whole(skipped) }),
        });
        void queries.invalidateQueries({ queryKey: ["get", "/api/leads"] });
        void queries.invalidateQueries({ queryKey: ["get", "/api/leads/count"] });
      }
    }
  }, [runs.data, queries, numbers, t]);
  const [{ bulk }, setFilters] = useFilters({ bulk: "" });
  if (active.length === 0 && !bulk) return null;
  return (
    <Stack gap="xs" mb="sm">
      {bulk && <FailedRun key={bulk} runId={bulk} close={() => setFilters({ bulk: "" })} />}
      {active.map((run) => (
        <ActiveRun key={run.id} run={run} />
      ))}
    </Stack>
  );
}

function ActiveRun({ run }: { run: BulkRun }) {
  const t = useT("leads");
  const numbers = useNumbers();
  const act = useAct();
  const { may } = useSession();
  const queries = useQueryClient();
  const { total, done, skipped } = run.progress;
  const title = t(run.kind === "leads.delete" ? "bulk.deleting" : "bulk.updating");
  const steer = async (verb: "pause" | "resume" | "cancel") => {
    const params = { path: { bulk_run_id: run.id } };
    await act(() => client.POST(`/api/leads/bulk-runs/{bulk_run_id}/${verb}`, { params }));
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/bulk-runs"] });
  };
  return (
    <Card withBorder padding="sm" component="section" aria-label={title} data-bulk-run={run.id}>
      <Group justify="space-between" mb={6} wrap="nowrap">
        <Text size="sm">
          {title} {run.state === "paused" && t("bulk.paused")}
          {" · "}
          {t("bulk.progress", { done: numbers.whole(done + skipped), total: numbers.whole(total) })}
        </Text>
        {may("admin") && (
          <Group gap={4} wrap="nowrap">
            {run.state === "running" ? (
              <ActionIcon variant="subtle" color="gray" aria-label={t("bulk.pause")} onClick={() => void steer("pause")}>
                <IconPlayerPause size={16} />
              </ActionIcon>
            ) : (
              <ActionIcon variant="subtle" aria-label={t("bulk.resume")} onClick={() => void steer("resume")}>
                <IconPlayerPlay size={16} />
              </ActionIcon>
            )}
            <ActionIcon variant="subtle" color="red" aria-label={t("bulk.cancel")} onClick={() => void steer("cancel")}>
              <IconX size={16} />
            </ActionIcon>
          </Group>
        )}
      </Group>
      <ProgressBar
        label={title}
        total={total}
        parts={[
          { tone: "busy", count: done },
          { tone: "quiet", count: skipped },
        ]}
      />
    </Card>
  );
}

/** One that failed, to which the address leads: how far it came, what went wrong, and going on from there. */
function FailedRun({ runId, close }: { runId: string; close: () => void }) {
  const t = useT("leads");
  const numbers = useNumbers();
  const act = useAct();
  const { may } = useSession();
  const queries = useQueryClient();
  const params = { path: { bulk_run_id: runId } };
  const found = api.useQuery("get", "/api/leads/bulk-runs/{bulk_run_id}", { params });
  if (found.data?.state !== "failed") return null;
  const { error, kind, progress } = found.data;
  const resume = async () => {
    await act(() => client.POST("/api/leads/bulk-runs/{bulk_run_id}/resume", { params }));
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/bulk-runs"] });
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/bulk-runs/{bulk_run_id}"] });
  };
  return (
    <Alert
      color="red" role="alert" withCloseButton onClose={close} closeButtonLabel={t("close")}
      title={t(kind === "leads.delete" ? "bulk.failed.deleting" : "bulk.failed.updating")}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {t("bulk.over.counts", { done: numbers.whole(progress.done), skipped: numbers.whole(progress.skipped) })}
        </Text>
        {error && (
          <Text size="sm" c="dimmed">
            <bdi lang="en">{error}</bdi>
          </Text>
        )}
        {may("admin") && (
          <Button size="compact-sm" variant="default" onClick={() => void resume()}>
            {t("bulk.failed.resume")}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
