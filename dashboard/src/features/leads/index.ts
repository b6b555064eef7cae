// Leads: the table, the board, and one lead with all that is known.

import { IconUserPlus, IconUsers } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { api, client } from "@/lib/api";
import { msg } from "@/lib/i18n";
import { isolated } from "@/lib/phones";
import { NEWEST } from "./filters";

const FOUND = 5;

export const leads: Feature = {
  id: "leads",
  words: ["calling", "tasks", "appointments", "notifications"],
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
  search: [
    {
      id: "leads",
      label: msg("shell:nav.leads"),
      icon: IconUsers,
      async find(words, _session, signal) {
        const { data } = await client.GET("/api/leads", { params: { query: { search: words, limit: FOUND } }, signal });
        return (data?.leads ?? []).map((lead) => ({
          id: lead.id,
          title: lead.name || isolated(lead.phone),
          detail: lead.name ? isolated(lead.phone) : undefined,
          to: `/leads/${lead.id}`,
        }));
      },
    },
  ],
};
