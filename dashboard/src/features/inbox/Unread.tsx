import { Badge, VisuallyHidden } from "@mantine/core";
import { api } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";

/** Beside the inbox in the navigation: how many conversations wait to be read. */
export function Unread() {
  const t = useT("shell");
  const numbers = useNumbers();
  const counts = api.useQuery("get", "/api/conversations/counts");
  const unread = counts.data?.unread ?? 0;
  if (unread === 0) return null;
  return (
    <Badge size="sm" variant="filled" circle={unread < 10} data-unread={unread}>
      <span aria-hidden>{numbers.whole(unread)}</span>
      <VisuallyHidden>{t("inbox_unread", { count: unread })}</VisuallyHidden>
    </Badge>
  );
}
