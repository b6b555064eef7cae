// What must hold before somebody is called: hours and rules, the do-not-call list, and the log of it all.

import { IconClockHour4, IconPhoneOff, IconScale } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";

export const calling: Feature = {
  id: "calling",
  words: ["lists", "runs", "settings"],
  routes: [
    { path: "/do-not-call", page: () => import("./SuppressionPage") },
    { path: "/calling-hours", page: () => import("./HoursPage") },
    { path: "/compliance", page: () => import("./CompliancePage"), least: "admin" },
  ],
  nav: [
    { section: "outbound", order: 30, label: msg("shell:nav.suppression"), to: "/do-not-call", icon: IconPhoneOff },
    { section: "outbound", order: 40, label: msg("shell:nav.hours"), to: "/calling-hours", icon: IconClockHour4 },
    { section: "outbound", order: 50, label: msg("shell:nav.compliance"), to: "/compliance", icon: IconScale, least: "admin" },
  ],
  live: {
    "number.": ["/api/suppressions", "/api/compliance-log", "/api/calling-hours"],
    "rules.": ["/api/business", "/api/compliance-log", "/api/calling-hours"],
    "consent.": ["/api/compliance-log"],
    "dial.": ["/api/compliance-log"],
  },
};
