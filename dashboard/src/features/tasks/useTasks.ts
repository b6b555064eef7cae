// Changing tasks where they are shown.

import { useCallback } from "react";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import type { Task, TaskState } from "./words";

/** Returns what gives a task another state. */
export function useMove(): (task: Task, state: TaskState) => Promise<boolean> {
  const t = useT("tasks");
  const act = useAct();
  return useCallback(
    async (task, state) => {
      if (task.state === state) return true;
      const params = { path: { task_id: task.id } };
      const said = t("moved", { title: task.title, state: t(`state.${state}`) });
      return act(() => client.PATCH("/api/tasks/{task_id}", { params, body: { version: task.version, state } }), said);
    },
    [act, t],
  );
}
