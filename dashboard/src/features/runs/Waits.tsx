import { Text } from "@mantine/core";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { useRunNow } from "@/ui/RunBar";

/** Why a run that could dial does not, and when it will. */
export function Waits({ run }: { run: Schema<"RunOut"> }) {
  const t = useT("runs");
  const time = useTime();
  const { progress } = useRunNow(run);
  const sentences: string[] = [];
  if (run.state === "pending" && run.starts_at) sentences.push(t("waits.starts", { when: time.dateTime(run.starts_at) }));
  if (run.state === "running") {
    const isHeld = run.held_until !== null && new Date(run.held_until) > new Date();
    if (isHeld && run.held_until) {
      sentences.push(t("waits.held", { when: time.short(run.held_until), reason: t(`held.${run.held_reason}`) }));
    } else if (progress.active === 0 && run.next_at) {
      sentences.push(t("waits.next", { when: time.dateTime(run.next_at) }));
    }
  }
  if (run.state === "paused" && progress.active > 0) sentences.push(t("waits.paused", { count: progress.active }));
  if (sentences.length === 0) return null;
  return (
    <Text size="sm" data-waits>
      {sentences.join(" ")}
    </Text>
  );
}
