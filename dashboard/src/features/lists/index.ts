// Lists of leads and the imports that make them.

import { IconFileUpload, IconListDetails } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";

const OF_IMPORT = [
  "/api/lead-imports",
  { path: "/api/lead-imports/{import_id}", subject: "import_id" },
  { path: "/api/lead-imports/{import_id}/faults", subject: "import_id" },
] as const;

export const lists: Feature = {
  id: "lists",
  words: ["leads"],
  routes: [
    { path: "/lists", page: () => import("./ListsPage") },
    { path: "/lists/import", page: () => import("./ImportPage"), least: "agent" },
    { path: "/lists/imports/$importId", page: () => import("./OneImportPage") },
  ],
  nav: [{ section: "outbound", order: 20, label: msg("shell:nav.lists"), to: "/lists", icon: IconListDetails }],
  live: {
    "import.": [...OF_IMPORT],
    "run.": [...OF_IMPORT],
    "list.": ["/api/lead-lists", ...OF_IMPORT],
  },
  finds: [
    {
      kind: "list", label: msg("shell:found.list"), icon: IconListDetails,
      to: (hit) => ({ path: "/lists", search: { q: hit.title } }),
    },
  ],
  commands: [
    { id: "lists.import", label: msg("shell:command.import"), icon: IconFileUpload, least: "agent", to: "/lists/import" },
  ],
};
