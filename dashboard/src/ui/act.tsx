// Doing something that may fail: says what came of it.

import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useErrorWords } from "@/lib/errors";

/**
 * `const act = useAct(); act(() => client.POST(...), t("saved"))`: does it, says `done` when it is done and what went
 * wrong when it is not. True: done. What the page shows is then asked for again, whether or not the stream of events
 * is there to say so: nobody sees their own act undone. A deed that gives `false` was not done, and says why itself.
 */
export function useAct(): (deed: () => Promise<unknown>, done?: string) => Promise<boolean> {
  const words = useErrorWords();
  const queries = useQueryClient();
  return useCallback(
    async (deed, done) => {
      try {
        if ((await deed()) === false) return false;
      } catch (error) {
        const { title, detail } = words(error);
        notifications.show({ color: "red", title, message: detail, autoClose: 10_000, role: "alert" });
        return false;
      }
      void queries.invalidateQueries();
      if (done) notifications.show({ color: "trunk", message: done });
      return true;
    },
    [queries, words],
  );
}
