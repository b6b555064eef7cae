// The overview: what a business opens in the morning and leaves open.

import { IconLayoutDashboard } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";

// Events come too often for a page of sums to follow each: it hears them itself (useFresh.ts).
export const overview: Feature = {
  id: "overview",
  routes: [{ path: "/overview", page: () => import("./OverviewPage") }],
  nav: [{ section: "day", order: 1, label: msg("shell:nav.overview"), to: "/overview", icon: IconLayoutDashboard }],
};
