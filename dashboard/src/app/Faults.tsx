// What is shown where there is no page, and where a page has a fault of its own.

import { Button, Group } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconAlertTriangle, IconMapOff } from "@tabler/icons-react";
import { useRouter } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import { ButtonLink } from "@/ui/LinkTo";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorNote } from "@/ui/ErrorNote";

export function NotFound() {
  const t = useT("shell");
  useDocumentTitle(t("title", { page: t("not_found.title") }));
  return (
    <EmptyState level={1} icon={IconMapOff} title={t("not_found.title")} body={t("not_found.body")}>
      <ButtonLink to="/">{t("not_found.home")}</ButtonLink>
    </EmptyState>
  );
}

/** A mistake of ours. Nothing is hidden: it goes to the console too, where the tests look for it. */
export function Crash({ error, reset }: { error: unknown; reset?: () => void }) {
  const t = useT("shell");
  const router = useRouter();
  return (
    <EmptyState level={1} icon={IconAlertTriangle} title={t("crash.title")} body={t("crash.body")}>
      <ErrorNote error={error} />
      <Group>
        <Button
          onClick={() => {
            reset?.();
            void router.invalidate();
          }}
        >
          {t("crash.again")}
        </Button>
        <Button variant="default" onClick={() => location.reload()}>
          {t("crash.reload")}
        </Button>
      </Group>
    </EmptyState>
  );
}
