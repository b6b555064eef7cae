// Reports: what any days came to, by day, agent, run and source.

import { IconChartBar } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";

// A report is of days that are mostly over: it is asked for again when its page is opened, not with each call.
export const reports: Feature = {
  id: "reports",
  words: ["overview"],
  routes: [{ path: "/reports", page: () => import("./ReportsPage") }],
  nav: [{ section: "day", order: 30, label: msg("shell:nav.reports"), to: "/reports", icon: IconChartBar }],
};
