// A job's state and its lengths of time as a person reads them.

import { Code } from "@mantine/core";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { lengthOf } from "@/lib/time";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

export type Shown = keyof typeof TONES_OF;

const TONES_OF = {
  queued: "quiet", scheduled: "quiet", running: "busy", stopping: "wait", succeeded: "good", failed: "bad",
  cancelled: "quiet", expired: "wait",
} as const satisfies Record<string, Tone>;

/** What is queued for later, and what was told to stop, say so. */
export function shownState(job: Schema<"JobOut">): Shown {
  if (job.scheduled) return "scheduled";
  return job.state === "running" && job.cancel_requested_at ? "stopping" : job.state;
}

export function JobState({ job }: { job: Schema<"JobOut"> }) {
  const t = useT("jobs");
  const state = shownState(job);
  return <StatusBadge tone={TONES_OF[state]}>{t(`state.${state}`)}</StatusBadge>;
}

/** Names of handlers, queues and processes: nobody's language. */
export function Name({ children }: { children: string }) {
  return (
    <Code dir="ltr">
      {children}
    </Code>
  );
}

/** 12 ms, 3.4 s, 2:05 */
export function Length({ seconds }: { seconds: number | null }) {
  const t = useT("jobs");
  const numbers = useNumbers();
  if (seconds === null) return <>{t("length.none")}</>;
  if (seconds < 1) return <>{t("length.ms", { ms: numbers.whole(seconds * 1_000) })}</>;
  if (seconds < 60) return <>{t("length.s", { s: numbers.one(seconds) })}</>;
  return <bdi dir="ltr">{lengthOf(seconds)}</bdi>;
}
