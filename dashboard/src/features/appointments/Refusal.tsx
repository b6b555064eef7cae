// Why a time could not be had, and what stands there.

import { Alert } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { hasCode } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { ErrorNote } from "@/ui/ErrorNote";
import type { Arrange } from "./useArrange";

export function Refusal({ of: { failure } }: { of: Arrange }) {
  const t = useT("appointments");
  const time = useTime();
  if (failure === null) return null;
  const warning = (words: string) => (
    <Alert color="yellow" icon={<IconAlertTriangle size={20} />} role="alert">
      {words}
    </Alert>
  );
  if (hasCode(failure, "outside_hours")) return warning(t("refused.outside_hours"));
  if (hasCode(failure, "slot_taken") && typeof failure.data.starts_at === "string") {
    const { starts_at: from, ends_at: to } = failure.data as { starts_at: string; ends_at: string };
    return warning(t("refused.taken", { from: time.clock(from), to: time.clock(to), day: time.day(from) }));
  }
  if (hasCode(failure, "invalid_input") && failure.data.field === "starts_at") return warning(t("refused.past"));
  return <ErrorNote error={failure} />;
}
