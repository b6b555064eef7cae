// How leads come, move and go: webhooks that bring them, calls that move them, files that hold them.

import type { Feature } from "@/features/types";

export const leadflow: Feature = {
  id: "leadflow",
  words: ["settings", "leads", "lists"],
  routes: [
    { path: "/settings/statuses", page: () => import("./StatusRulesPage"), least: "admin" },
    { path: "/settings/webhooks", page: () => import("./WebhooksPage"), least: "admin" },
  ],
  live: {
    "lead_webhook.": ["/api/lead-webhooks", "/api/lead-webhooks/{webhook_id}/deliveries"],
    "lead_export.": ["/api/lead-exports"],
    "lead_status_rules.": ["/api/lead-status-rules"],
  },
};
