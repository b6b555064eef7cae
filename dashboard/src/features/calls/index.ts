// Calls: the log of all of them, and each with its recording, its transcript and what can be done with it.

import { IconMessages, IconPhone } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { api } from "@/lib/api";
import { msg } from "@/lib/i18n";

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
  finds: [
    { kind: "call", label: msg("shell:found.call"), icon: IconPhone, to: (hit) => ({ path: `/calls/${hit.id}` }) },
    {
      kind: "turn", label: msg("shell:found.turn"), icon: IconMessages,
      // The page goes to this line of its transcript, and plays from there.
      to: (hit) => ({ path: `/calls/${hit.id}`, search: { line: String(hit.part) } }),
    },
  ],
};
