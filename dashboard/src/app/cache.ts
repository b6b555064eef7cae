// The answers of the server that the page keeps, and when it asks again.

import { QueryClient, type Query } from "@tanstack/react-query";
import { ApiError, NoAnswer } from "@/lib/errors";
import { PROGRESS, type LiveEvent, type LiveTable } from "@/lib/live";

const AGAIN_MS = [1_000, 2_000, 4_000, 8_000];

export const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // What the server refuses it would refuse again; while it is away it is asked on and on.
      retry: (_count, failure) => failure instanceof NoAnswer,
      retryDelay: (count) => AGAIN_MS[Math.min(count, AGAIN_MS.length - 1)] ?? 8_000,
      networkMode: "always",
      throwOnError: (failure) => !(failure instanceof ApiError || failure instanceof NoAnswer),
    },
    mutations: { networkMode: "always" },
  },
});

/** Have the pages ask again for what these events changed. */
export function invalidate(events: LiveEvent[], table: LiveTable): void {
  const whole = new Set<string>();
  const single = new Map<string, { path: string; parameter: string; id: string }>();
  for (const { kind, subject_id: id } of events) {
    for (const [key, targets] of Object.entries(table)) {
      if (kind !== key && !(key.endsWith(".") && kind.startsWith(key))) continue;
      // Figures of runs come many times a second and are told by themselves.
      if (kind === PROGRESS && key !== PROGRESS) continue;
      for (const target of targets) {
        if (typeof target === "string") whole.add(target);
        else if (id) {
          const one = { path: target.path, parameter: target.subject, id };
          single.set(Object.values(one).join(" "), one);
        }
      }
    }
  }
  if (whole.size + single.size === 0) return;
  void cache.invalidateQueries({
    predicate: (query) => {
      const path = pathOf(query);
      if (path === null) return false;
      for (const beginning of whole) if (path === beginning || path.startsWith(`${beginning}/`)) return true;
      for (const one of single.values()) {
        if (path !== one.path && !path.startsWith(`${one.path}/`)) continue;
        if (parameterOf(query, one.parameter) === one.id) return true;
      }
      return false;
    },
  });
}

function pathOf(query: Query): string | null {
  const path = query.queryKey[1];
  return typeof path === "string" ? path : null;
}

function parameterOf(query: Query, name: string): unknown {
  const init = query.queryKey[2] as { params?: { path?: Record<string, unknown> } } | undefined;
  return init?.params?.path?.[name];
}
