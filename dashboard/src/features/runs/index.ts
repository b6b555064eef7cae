// Runs: calling many people. Their list, the form of a new one, and one run's page.

import { IconPhoneOutgoing, IconPlus } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";

const OF_RUN = [
  { path: "/api/runs/{run_id}", subject: "run_id" },
  { path: "/api/runs/{run_id}/items", subject: "run_id" },
  { path: "/api/runs/{run_id}/items/{item_id}", subject: "run_id" },
  { path: "/api/runs/{run_id}/attempts", subject: "run_id" },
  { path: "/api/runs/{run_id}/outlook", subject: "run_id" },
] as const;

export const runs: Feature = {
  id: "runs",
  routes: [
    { path: "/runs", page: () => import("./RunsPage") },
    { path: "/runs/new", page: () => import("./NewRunPage"), least: "agent" },
    { path: "/runs/$runId", page: () => import("./RunPage") },
  ],
  nav: [{ section: "outbound", order: 10, label: msg("shell:nav.runs"), to: "/runs", icon: IconPhoneOutgoing }],
  // What dials and calls change of the run that is looked at, its page asks for itself: useRunFresh.
  live: {
    "run.": ["/api/runs", ...OF_RUN],
    "rules.": ["/api/runs/{run_id}/outlook", "/api/runs/estimate"],
    "list.": ["/api/runs/estimate"],
    "number.": ["/api/runs/estimate", "/api/runs/{run_id}/outlook", "/api/runs/{run_id}/items"],
  },
  commands: [
    { id: "runs.new", label: msg("shell:command.new_run"), icon: IconPlus, least: "agent", to: "/runs/new" },
  ],
};
