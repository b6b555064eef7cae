// Asking again for the overview when something has happened in the business, but not for every event.

import { useCallback, useEffect, useRef } from "react";
import { PROGRESS, TURN, useLiveEvents, type LiveEvent } from "@/lib/live";

const AT_MOST_EVERY_MS = 2_000;
const KINDS = /^(?:call|run|dial|appointment|jobs?|agent|list|import)\./;

/** Call `refresh` soon after events that change figures: the first at once, then every two seconds at most. */
export function useFresh(refresh: () => unknown): void {
  const latest = useRef(refresh);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const asked = useRef(0);
  useEffect(() => {
    latest.current = refresh;
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  const hear = useCallback((event: LiveEvent) => {
    // How far runs are is told by the stream itself.
    if (event.kind === PROGRESS || event.kind === TURN || !KINDS.test(event.kind) || timer.current !== undefined) return;
    const wait = Math.max(200, asked.current + AT_MOST_EVERY_MS - Date.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      asked.current = Date.now();
      latest.current();
    }, wait);
  }, []);
  useLiveEvents("", hear);
}
