// Inside the door: who is in, the frame around their pages, and keeping those current.

import { Outlet } from "@tanstack/react-router";
import { useEffect, useMemo, useRef } from "react";
import { cache, invalidate, invalidateAll } from "@/app/cache";
import { SessionGate } from "@/app/SessionGate";
import { Shell } from "@/app/Shell";
import { features } from "@/features";
import { forgetProgress, Live, type LiveTable, useServerAway } from "@/lib/live";
import { useSession } from "@/lib/session";

const ASK_AGAIN_MS = 2_000;

export function House() {
  return (
    <SessionGate>
      <Current />
      <Shell>
        <Outlet />
      </Shell>
    </SessionGate>
  );
}

const COMMON: LiveTable = { "business.": ["/api/business", "/api/admin/businesses"] };

/** Every feature's table in one. Two features may name the same kind. */
export function wholeTable(): LiveTable {
  const whole: LiveTable = {};
  for (const table of [COMMON, ...features.map((feature) => feature.live ?? {})]) {
    for (const [kind, targets] of Object.entries(table)) whole[kind] = [...(whole[kind] ?? []), ...targets];
  }
  return whole;
}

function Current() {
  const { since, ended } = useSession();
  const live = useRef<Live | null>(null);
  const table = useMemo(() => wholeTable(), []);
  const away = useServerAway();
  useEffect(() => {
    if (since === null) return undefined;
    const opened = new Live(since, (events, all) => {
      if (all) invalidateAll();
      else invalidate(events, table);
    });
    live.current = opened;
    return () => {
      live.current = null;
      opened.close();
      forgetProgress();
    };
  }, [since, table]);
  useEffect(() => live.current?.rest(ended), [since, ended]);
  useEffect(() => {
    if (!away) return undefined;
    const asking = setInterval(() => void cache.refetchQueries({ queryKey: ["get", "/api/me"] }), ASK_AGAIN_MS);
    return () => {
      clearInterval(asking);
      // It is back: what is shown may be old.
      invalidateAll();
    };
  }, [away]);
  return null;
}
