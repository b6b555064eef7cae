// Asking again for a run that is being called: its calls change it in many ways that no event of its own tells.

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import type { Schema } from "@/lib/api";
import { PROGRESS, useLiveEvents, type LiveEvent } from "@/lib/live";

const SOON_MS = 200;
const AT_MOST_EVERY_MS = 2_000;
const PATHS = new Set([
  "/api/runs/{run_id}",
  "/api/runs/{run_id}/items",
  "/api/runs/{run_id}/items/{item_id}",
  "/api/runs/{run_id}/attempts",
]);

/**
 * Keep a run, its people and its dials fresh while its page is open: soon after an event of its own, or of any call
 * while it calls, then every two seconds at most.
 */
export function useRunFresh({ id, state, progress }: Schema<"RunOut">): void {
  const queries = useQueryClient();
  const calls = state === "running" || progress.active > 0;
  const round = useMemo(
    () =>
      steadily(() =>
        queries.invalidateQueries(
          { predicate: ({ queryKey: [, path, init] }) => PATHS.has(String(path)) && runOf(init) === id },
          { cancelRefetch: false },
        ),
      ),
    [queries, id],
  );
  useEffect(() => round.stop, [round]);
  const hear = useCallback(
    (event: LiveEvent) => {
      if (concerns(event, id, calls)) round.soon();
    },
    [round, id, calls],
  );
  useLiveEvents("", hear);
}

function runOf(init: unknown): unknown {
  return (init as { params?: { path?: { run_id?: string } } } | undefined)?.params?.path?.run_id;
}

function concerns({ kind, subject_id: subject, data }: LiveEvent, runId: string, calls: boolean): boolean {
  if (kind === PROGRESS) return subject === runId;
  // A call does not say of which run it is, and its words change nothing of it.
  if (kind.startsWith("call.")) return calls && kind !== "call.turn";
  return /^(?:dial|item)\./.test(kind) && (data.run_id === undefined || data.run_id === runId);
}

/** Does it soon after it is asked to, never twice at the same time, and once more for who asked meanwhile. */
function steadily(deed: () => Promise<unknown>): { soon: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  let again = false;
  let last = 0;
  const soon = () => {
    again = busy;
    if (busy || timer !== undefined) return;
    const wait = Math.max(SOON_MS, last + AT_MOST_EVERY_MS - Date.now());
    timer = setTimeout(() => {
      timer = undefined;
      last = Date.now();
      busy = true;
      void deed().finally(() => {
        busy = false;
        if (again) soon();
      });
    }, wait);
  };
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return { soon, stop };
}
