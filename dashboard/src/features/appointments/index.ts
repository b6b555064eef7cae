// Appointments: the calendar of the business by week and day.

import { IconCalendarEvent } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";
import { timeWords } from "@/lib/time";

export const appointments: Feature = {
  id: "appointments",
  routes: [{ path: "/appointments", page: () => import("./CalendarPage") }],
  nav: [
    { section: "work", order: 20, label: msg("shell:nav.appointments"), to: "/appointments", icon: IconCalendarEvent },
  ],
  live: { "appointment.": ["/api/appointments"] },
  finds: [
    {
      kind: "appointment", label: msg("shell:found.appointment"), icon: IconCalendarEvent,
      to: (hit, zone) => ({
        path: "/appointments",
        search: { date: timeWords("en", zone).dayKey(String(hit.data.starts_at)) },
      }),
    },
  ],
};
