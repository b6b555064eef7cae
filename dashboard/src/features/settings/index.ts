// Settings: the business, its people, keys and numbers, one's own account; and the doors that one-time links open.

import { IconSettings } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";

export const settings: Feature = {
  id: "settings",
  routes: [
    { path: "/settings", page: () => import("./BusinessPage"), least: "admin" },
    { path: "/settings/calling", page: () => import("./CallingPage"), least: "admin" },
    { path: "/settings/people", page: () => import("./PeoplePage"), least: "admin" },
    { path: "/settings/keys", page: () => import("./KeysPage"), least: "admin" },
    { path: "/settings/numbers", page: () => import("./NumbersPage"), least: "admin" },
    { path: "/settings/fields", page: () => import("./FieldsPage"), least: "admin" },
    { path: "/settings/transfers", page: () => import("./TransfersPage"), least: "admin" },
    { path: "/account", page: () => import("./AccountPage"), of: "person" },
    { path: "/forgotten", page: () => import("./ForgottenPage"), of: "anybody" },
    { path: "/new-password", page: () => import("./NewPasswordPage"), of: "anybody" },
    { path: "/invitation", page: () => import("./InvitationPage"), of: "anybody" },
  ],
  nav: [
    { section: "system", order: 900, label: msg("shell:nav.settings"), to: "/settings", icon: IconSettings, least: "admin" },
  ],
  live: {
    "user.": ["/api/users"],
    "invitation.": ["/api/invitations", "/api/users"],
    "key.": ["/api/business/keys"],
    "number.": ["/api/business/numbers"],
  },
};
