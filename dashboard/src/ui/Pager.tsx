// Lists by cursor: the next page, and back to those that have been seen.

import { Button, Group, Text } from "@mantine/core";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useCallback, useMemo, useState } from "react";
import { useT } from "@/lib/i18n";

export interface Pages {
  /** What to ask with; undefined for the first page. */
  cursor: string | undefined;
  /** 1 for the first. */
  page: number;
  next: (cursor: string) => void;
  previous: () => void;
}

/** Where one is in a list. `of`: the list's filters as one text; when it changes, one is at the beginning again. */
export function usePages(of: string): Pages {
  const [seen, setSeen] = useState<{ of: string; cursors: string[] }>({ of, cursors: [] });
  const cursors = useMemo(() => (seen.of === of ? seen.cursors : []), [seen, of]);
  const next = useCallback((cursor: string) => setSeen({ of, cursors: [...cursors, cursor] }), [of, cursors]);
  const previous = useCallback(() => setSeen({ of, cursors: cursors.slice(0, -1) }), [of, cursors]);
  return { cursor: cursors.at(-1), page: cursors.length + 1, next, previous };
}

/**
 * Draws nothing where there is one page only. `following`: the cursor that the answer came with. `busy`: the page that
 * was asked for is not there yet (`isPlaceholderData`); one that is only read again can be left at any time.
 */
export function Pager({ pages, following, busy }: { pages: Pages; following: string | null | undefined; busy?: boolean }) {
  const t = useT("common");
  if (pages.page === 1 && !following) return null;
  return (
    <Group justify="center" gap="sm" mt="sm" component="nav" aria-label={t("pager.label")}>
      <Button
        variant="default"
        size="xs"
        disabled={pages.page === 1}
        onClick={pages.previous}
        leftSection={<IconChevronLeft size={16} className="points" />}
      >
        {t("pager.previous")}
      </Button>
      <Text size="sm" c="dimmed">
        {t("pager.page", { page: pages.page })}
      </Text>
      <Button
        variant="default"
        size="xs"
        disabled={!following}
        loading={busy}
        onClick={() => following && pages.next(following)}
        rightSection={<IconChevronRight size={16} className="points" />}
      >
        {t("pager.next")}
      </Button>
    </Group>
  );
}
