// Tasks: what is to be done, in a list and on a board, and beside the lead that it is about.

import { IconChecklist } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";

export const tasks: Feature = {
  id: "tasks",
  words: ["appointments", "notifications"],
  routes: [
    { path: "/tasks", page: () => import("./TasksPage") },
    { path: "/tasks/$taskId", page: () => import("./TaskPage") },
  ],
  nav: [{ section: "work", order: 25, label: msg("shell:nav.tasks"), to: "/tasks", icon: IconChecklist }],
  live: { "task.": ["/api/tasks"] },
  finds: [
    { kind: "task", label: msg("shell:found.task"), icon: IconChecklist, to: (hit) => ({ path: "/tasks", search: { task: hit.id } }) },
  ],
  commands: [
    { id: "new-task", label: msg("shell:command.new_task"), icon: IconChecklist, least: "agent", to: "/tasks?new=yes" },
  ],
};
