// Appointments: the calendar of the business by week and day.

import { IconCalendarEvent } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";

export const appointments: Feature = {
  id: "appointments",
  routes: [{ path: "/appointments", page: () => import("./CalendarPage") }],
  nav: [
    { section: "work", order: 20, label: msg("shell:nav.appointments"), to: "/appointments", icon: IconCalendarEvent },
  ],
  live: { "appointment.": ["/api/appointments"] },
};
