// Leads: the table, the board, and one lead with all that is known.

import { IconNote, IconUserPlus, IconUsers } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { api } from "@/lib/api";
import { msg } from "@/lib/i18n";
import { NEWEST } from "./filters";

export const leads: Feature = {
  id: "leads",
  words: ["calling", "leadflow", "tasks", "appointments", "notifications"],
  routes: [
    {
      path: "/leads",
      page: () => import("./LeadsPage"),
      first: (answers) => answers.prefetchQuery(api.queryOptions("get", "/api/leads", { params: { query: NEWEST } })),
    },
    { path: "/leads/board", page: () => import("./BoardPage") },
    { path: "/leads/$leadId", page: () => import("./LeadPage") },
  ],
  nav: [{ section: "work", order: 10, label: msg("shell:nav.leads"), to: "/leads", icon: IconUsers }],
  live: {
    "lead.": ["/api/leads", "/api/lead-tags"],
    "leads.": ["/api/leads", "/api/lead-tags"],
    "lead_statuses.": ["/api/lead-statuses", "/api/leads"],
    "lead_fields.": ["/api/lead-fields"],
    "user.": ["/api/colleagues"],
    "consent.": ["/api/leads"],
    "number.": ["/api/leads/{lead_id}/suppression", "/api/leads/{lead_id}/timeline"],
    "call.": ["/api/leads/{lead_id}/timeline"],
    "appointment.": ["/api/leads/{lead_id}/timeline"],
    "callback.": [{ path: "/api/leads/{lead_id}/timeline", subject: "lead_id" }],
    "run.": ["/api/leads/bulk-runs", "/api/leads/bulk-runs/{bulk_run_id}"],
  },
  commands: [
    { id: "leads.new", label: msg("shell:command.new_lead"), icon: IconUserPlus, least: "agent", to: "/leads?new=yes" },
  ],
  finds: [
    { kind: "lead", label: msg("shell:found.lead"), icon: IconUsers, to: (hit) => ({ path: `/leads/${hit.id}` }) },
    {
      kind: "note", label: msg("shell:found.note"), icon: IconNote,
      to: (hit) => ({ path: `/leads/${String(hit.data.lead_id)}` }),
    },
  ],
};
