// The answers of the server that the page keeps, and when it asks again.

import { QueryClient, type Query } from "@tanstack/react-query";
import { ApiError, NoAnswer } from "@/lib/errors";
import { PROGRESS, TURN, type LiveEvent, type LiveTable, type LiveTarget } from "@/lib/live";

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

// --- Asking again ---------------------------------------------------------------------------------

const WAVE_MS = 1_000;

interface Wanted {
  target: Omit<Exclude<LiveTarget, string>, "path"> & { path: string };
  id: string | null;
}

/** What is to be asked again for with the next wave, by what tells it from others. */
let wanted = new Map<string, Wanted>();
/** What was being asked for when it changed: the answer under way may be older than the change. */
let owed = new Set<Query>();
let next: ReturnType<typeof setTimeout> | undefined;

/** Have the pages ask again for what these events changed: at once, and then once a second at most. */
export function invalidate(events: LiveEvent[], table: LiveTable): void {
  for (const { kind, subject_id: id } of events) {
    for (const [key, targets] of Object.entries(table)) {
      if (kind !== key && !(key.endsWith(".") && kind.startsWith(key))) continue;
      // Figures of runs and what is said in calls come many times a second.
      if ((kind === PROGRESS || kind === TURN) && key !== kind) continue;
      for (const one of targets) {
        const target: Wanted["target"] = typeof one === "string" ? { path: one } : one;
        if (target.subject && !id) continue;
        const of = target.subject ? id : null;
        wanted.set([target.path, target.subject, target.alone, of].join(" "), { target, id: of });
      }
    }
  }
  if (wanted.size > 0) next ??= setTimeout(wave);
}

/** Have the pages ask again for everything they show. */
export function invalidateAll(): void {
  wanted.set("", { target: { path: "" }, id: null });
  next ??= setTimeout(wave);
}

function wave(): void {
  const now = [...wanted.values()];
  const late = owed;
  wanted = new Map();
  owed = new Set();
  const predicate = (query: Query) => late.has(query) || now.some((one) => isMeant(query, one));
  for (const query of cache.getQueryCache().findAll({ type: "active", predicate })) {
    if (query.state.fetchStatus === "fetching") owed.add(query);
  }
  // What is under way is not broken off: slow answers would never come while much happens.
  void cache.invalidateQueries({ predicate }, { cancelRefetch: false });
  next = setTimeout(() => {
    next = undefined;
    if (wanted.size + owed.size > 0) wave();
  }, WAVE_MS);
}

function isMeant(query: Query, { target, id }: Wanted): boolean {
  const path = pathOf(query);
  if (target.path === "") return true;
  if (path === null) return false;
  if (path !== target.path && (target.alone || !path.startsWith(`${target.path}/`))) return false;
  return !target.subject || parameterOf(query, target.subject) === id;
}

function pathOf(query: Query): string | null {
  const path = query.queryKey[1];
  return typeof path === "string" ? path : null;
}

function parameterOf(query: Query, name: string): unknown {
  const init = query.queryKey[2] as { params?: { path?: Record<string, unknown> } } | undefined;
  return init?.params?.path?.[name];
}
