// Appointments: the calendars of the business by week and day, what is sent about them, and customers' own page.

import { IconCalendarEvent } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";
import { timeWords } from "@/lib/time";

export const appointments: Feature = {
  id: "appointments",
  words: ["my_appointment", "settings"],
  routes: [
    { path: "/appointments", page: () => import("./CalendarPage") },
    { path: "/appointments/calendars", page: () => import("./CalendarsPage"), least: "admin" },
    { path: "/appointments/automations", page: () => import("./AutomationsPage"), least: "admin" },
    { path: "/appointment", page: () => import("./MyAppointmentPage"), of: "anybody" },
  ],
  nav: [
    { section: "work", order: 20, label: msg("shell:nav.appointments"), to: "/appointments", icon: IconCalendarEvent },
  ],
  live: {
    "appointment.": ["/api/appointments"],
    "calendar.": ["/api/calendars"],
    "automation.": ["/api/appointment-automations"],
  },
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
