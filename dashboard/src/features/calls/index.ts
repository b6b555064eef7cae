// Calls: the log of all of them, and each with its recording, its transcript and what can be done with it.

import { IconPhone } from "@tabler/icons-react";
import type { Feature, Found } from "@/features/types";
import { api, client } from "@/lib/api";
import { msg } from "@/lib/i18n";
import { isolated } from "@/lib/phones";

/** What is typed looks like (a part of) a telephone number. */
const NUMBER = /^[\d\s()+./-]*$/;

async function find(words: string, signal: AbortSignal): Promise<Found[]> {
  if (!NUMBER.test(words) || words.replace(/\D/g, "").length < 3) return [];
  const { data } = await client.GET("/api/calls", { params: { query: { number: words, limit: 5 } }, signal });
  return (data?.calls ?? []).map((call) => ({
    id: call.id,
    title: call.lead_name || isolated(call.theirs),
    detail: isolated(call.theirs),
    to: `/calls/${call.id}`,
  }));
}

export const calls: Feature = {
  id: "calls",
  routes: [
    {
      path: "/calls",
      page: () => import("./CallsPage"),
      first: (answers) => answers.prefetchQuery(api.queryOptions("get", "/api/calls", { params: { query: {} } })),
    },
    { path: "/calls/$callId", page: () => import("./CallPage") },
  ],
  nav: [{ section: "day", order: 20, label: msg("shell:nav.calls"), to: "/calls", icon: IconPhone }],
  live: {
    "call.": [{ path: "/api/calls", alone: true }, { path: "/api/calls/{call_id}", subject: "call_id" }],
    "call.turn": [{ path: "/api/calls/{call_id}", subject: "call_id", alone: true }],
    "recording.": [{ path: "/api/calls/{call_id}/recordings", subject: "call_id" }],
  },
  search: [{ id: "calls", label: msg("shell:nav.calls"), icon: IconPhone, find: (words, _session, signal) => find(words, signal) }],
};
