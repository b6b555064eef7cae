// Notifications: the inbox, and what one has chosen to be told, how and when.

import type { Feature } from "@/features/types";

export const notifications: Feature = {
  id: "notifications",
  routes: [
    { path: "/notifications", page: () => import("./InboxPage") },
    { path: "/notifications/settings", page: () => import("./ChoicesPage") },
  ],
};
