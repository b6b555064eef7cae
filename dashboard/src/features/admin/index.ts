// For whoever runs the installation: businesses, how they use it, its health, its own jobs, numbers that nobody calls.

import { IconBuildingStore, IconGauge, IconPhoneX, IconServer2 } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";

export const admin: Feature = {
  id: "admin",
  words: ["jobs"],
  routes: [
    { path: "/system", page: () => import("./HealthPage"), of: "system" },
    { path: "/system/businesses", page: () => import("./BusinessesPage"), of: "system" },
    { path: "/system/usage", page: () => import("./UsagePage"), of: "system" },
    { path: "/system/suppressions", page: () => import("./SuppressionsPage"), of: "system" },
    { path: "/system/jobs", page: () => import("./SystemJobsPage"), of: "system" },
    { path: "/system/jobs/$jobId", page: () => import("./SystemJobPage"), of: "system" },
  ],
  nav: [
    { section: "system", order: 90, label: msg("shell:nav.businesses"), to: "/system/businesses", icon: IconBuildingStore, ofSystem: true },
    { section: "system", order: 91, label: msg("shell:nav.usage"), to: "/system/usage", icon: IconGauge, ofSystem: true },
    { section: "system", order: 92, label: msg("shell:nav.health"), to: "/system", icon: IconServer2, ofSystem: true },
    { section: "system", order: 93, label: msg("shell:nav.never_called"), to: "/system/suppressions", icon: IconPhoneX, ofSystem: true },
  ],
  live: { "business.": ["/api/admin/businesses"] },
};
