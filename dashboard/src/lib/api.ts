// Talking to the server. Everything thrown from here is an ApiError or a NoAnswer (lib/errors.ts).
//
//   api.useQuery("get", "/api/calls/{call_id}", { params: { path: { call_id } } })    reading, in a component
//   await client.POST("/api/runs", { body })                                          writing

import createClient, { type Middleware } from "openapi-fetch";
import createHooks from "openapi-react-query";
import type { components, paths } from "@/client/schema";
import { ApiError, NoAnswer } from "@/lib/errors";

/** A shape of the API by its name: `Schema<"CallOut">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];
export type ApiPath = keyof paths;

const ATTENDED_MS = 60_000;

/** When somebody last touched the page. What is asked long after that keeps nobody signed in. */
let touchedAt = performance.now();
for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"]) {
  addEventListener(kind, () => (touchedAt = performance.now()), { capture: true, passive: true });
}

type Listener = (failure: ApiError | NoAnswer | null) => void;
const listeners = new Set<Listener>();

/** Hear of every answer: null when it was good, or how it went wrong. Returns what ends the hearing. */
export function onAnswer(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(failure: ApiError | NoAnswer | null): void {
  for (const listener of listeners) listener(failure);
}

function told<E extends ApiError | NoAnswer>(failure: E): E {
  tell(failure);
  return failure;
}

let acting: string | null = null;

/** Say whose page this is from now on, and in which business: the server refuses what is asked in another's session. */
export function actAs(who: { user_id: string; business_id?: string | null } | null): void {
  acting = who && `${who.user_id}:${who.business_id ?? "-"}`;
}

/** What of headers every request of ours carries; for the few that do not go through `client`. */
export function headersFor(method: string): Record<string, string> {
  // A page of another site cannot send the first; the server refuses writes without it.
  const ours: Record<string, string> = acting ? { "X-Trunkline-Acting": acting } : {};
  if (method !== "GET") return { ...ours, "X-Trunkline": "1" };
  return performance.now() - touchedAt > ATTENDED_MS ? { ...ours, "X-Trunkline-Unattended": "1" } : ours;
}

/** The address of what is asked without headers: a stream of events, a download. */
export function addressed(path: string, query: Record<string, string> = {}): string {
  return `${path}?${new URLSearchParams({ ...query, ...(acting ? { acting } : {}) })}`;
}

/** What is asked to find out who is here, whoever it may be. */
const OF_ANYBODY = new Set(["GET /api/me", "POST /api/sign-in"]);

/** Return the error that an answer is; null for a good one. */
export async function failureOf(response: Response): Promise<ApiError | NoAnswer | null> {
  if (response.ok) {
    tell(null);
    return null;
  }
  const body: unknown = await response.json().catch((fault: unknown) => ({ unreadable: String(fault) }));
  const error = (body as { error?: { code: string; message: string; data?: object; trace_id?: string } }).error;
  if (response.status === 503 && (!error || error.code === "not_ready")) {
    return told(new NoAnswer(error?.message ?? response.statusText));
  }
  if (response.status === 502 || response.status === 504) return told(new NoAnswer(response.statusText));
  if (!error) return told(new ApiError(response.status, "internal_error", response.statusText));
  return told(
    new ApiError(response.status, error.code, error.message, { ...error.data }, error.trace_id ?? null),
  );
}

const ours: Middleware = {
  onRequest({ request, schemaPath }) {
    for (const [name, value] of Object.entries(headersFor(request.method))) request.headers.set(name, value);
    if (OF_ANYBODY.has(`${request.method} ${schemaPath}`)) request.headers.delete("X-Trunkline-Acting");
    return request;
  },
  async onResponse({ response }) {
    const failure = await failureOf(response);
    if (failure) throw failure;
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return undefined;
    return told(new NoAnswer(String(error)));
  },
};

export const client = createClient<paths>({
  // Paths and schema have it already; openapi-fetch wants a whole address where there is no document.
  baseUrl: location.origin,
  cache: "no-store",
});
client.use(ours);

export const api = createHooks(client);
