// Why a time could not be had, and what stands there.

import { Alert, Button, Group, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { hasCode } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { ErrorNote } from "@/ui/ErrorNote";
import type { Arrange } from "./useArrange";

/** Why a time was refused; `choose` takes one of those that are free instead. */
export function Refusal({ of: { failure }, choose }: { of: Arrange; choose?: (startsAt: string) => void }) {
  const t = useT("appointments");
  const time = useTime();
  if (failure === null) return null;
  const warning = (words: string, free: string[] = []) => (
    <Alert color="yellow" icon={<IconAlertTriangle size={20} />} role="alert">
      {words}
      {free.length > 0 && choose && (
        <Group gap={6} mt="xs" role="group" aria-label={t("refused.free")}>
          <Text size="sm">{t("refused.free")}</Text>
          {free.map((at) => (
            <Button key={at} size="compact-sm" variant="light" onClick={() => choose(at)}>
              <bdi>{time.short(at)}</bdi>
            </Button>
          ))}
        </Group>
      )}
    </Alert>
  );
  if (hasCode(failure, "outside_hours")) {
    const reason = String(failure.data.reason);
    return warning(t([`refused.${reason}`, "refused.outside_hours"]));
  }
  if (hasCode(failure, "lead_busy")) {
    const { starts_at: from, ends_at: to } = failure.data as { starts_at: string; ends_at: string };
    return warning(t("refused.lead_busy", { from: time.clock(from), to: time.clock(to) }));
  }
  if (hasCode(failure, "slot_taken") && typeof failure.data.starts_at === "string") {
    const { starts_at: from, ends_at: to } = failure.data as { starts_at: string; ends_at: string };
    return warning(
      t("refused.taken", { from: time.clock(from), to: time.clock(to), day: time.day(from) }),
      freeOf(failure.data.free),
    );
  }
  if (hasCode(failure, "invalid_input") && failure.data.field === "starts_at") return warning(t("refused.past"));
  return <ErrorNote error={failure} />;
}

const freeOf = (said: unknown): string[] =>
  Array.isArray(said) ? said.map((slot: { starts_at: string }) => slot.starts_at) : [];
