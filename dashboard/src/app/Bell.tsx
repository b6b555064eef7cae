// The bell: how much one has not read, as it comes; and the way to it.

import { ActionIcon, Indicator, Tooltip } from "@mantine/core";
import { IconBell } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useCallback, useEffect } from "react";
import { api } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useLiveEvents, type LiveEvent } from "@/lib/live";
import { useSession } from "@/lib/session";
import { LinkTo } from "@/ui/LinkTo";

const MOST = 100;

export function Bell() {
  const t = useT("shell");
  const numbers = useNumbers();
  const { me } = useSession();
  const router = useRouter();
  const queries = useQueryClient();
  const found = api.useQuery("get", "/api/notifications/unread");
  const hear = useCallback(
    (event: LiveEvent) => {
      if (event.subject_id !== me.user_id) return;
      for (const path of ["/api/notifications", "/api/notifications/unread"]) {
        void queries.invalidateQueries({ queryKey: ["get", path] });
      }
    },
    [me.user_id, queries],
  );
  useLiveEvents("notification.", hear);
  useEffect(() => {
    // The worker of pushes asks an open page to go where a notification leads.
    const follow = (message: MessageEvent<{ open?: unknown }>) => {
      const path = message.data.open;
      if (typeof path === "string" && path.startsWith("/")) router.history.push(path);
    };
    const worker = "serviceWorker" in navigator ? navigator.serviceWorker : null;
    worker?.addEventListener("message", follow);
    return () => worker?.removeEventListener("message", follow);
  }, [router]);
  const count = found.data?.unread ?? 0;
  const label = t("bell.label", { count });
  return (
    <Tooltip label={label}>
      <Indicator disabled={count === 0} label={count >= MOST ? `${numbers.whole(MOST - 1)}+` : numbers.whole(count)} size={16} offset={6}>
        <ActionIcon component={LinkTo} to="/notifications" variant="subtle" color="gray" size="lg" aria-label={label}>
          <IconBell size={20} />
        </ActionIcon>
      </Indicator>
    </Tooltip>
  );
}
