// Jobs: the work that goes on in the background, a business's and, for system admins, the system's own.

import { IconStack2 } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";

export const jobs: Feature = {
  id: "jobs",
  routes: [
    { path: "/jobs", page: () => import("./JobsPage"), least: "admin" },
    { path: "/jobs/$jobId", page: () => import("./JobPage"), least: "admin" },
  ],
  nav: [{ section: "system", order: 70, label: msg("shell:nav.jobs"), to: "/jobs", icon: IconStack2, least: "admin" }],
  live: {
    "job.": ["/api/jobs", "/api/admin/jobs"],
    "jobs.": ["/api/jobs", "/api/admin/jobs"],
  },
};
