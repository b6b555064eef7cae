import { Card, Text } from "@mantine/core";
import { useId } from "react";
import { useNumbers, useT } from "@/lib/i18n";

/** A figure, and by how much it differs from that of the days before. `worse`: more of it is no good news. */
export function Compared<T extends number | null>({
  label, now, then, show, note, worse,
}: {
  label: string;
  now: T;
  then: T;
  show: (value: T) => string;
  note: string;
  worse?: boolean;
}) {
  const t = useT("reports");
  const numbers = useNumbers();
  const id = useId();
  const change = now !== null && then !== null && then !== 0 ? now / then - 1 : null;
  const isGood = change !== null && change > 0 !== Boolean(worse);
  return (
    <Card withBorder padding="sm" role="group" aria-labelledby={id}>
      <Text size="sm" c="dimmed" id={id}>
        {label}
      </Text>
      <Text size="1.5rem" fw={650} lh={1.3} className="numbers">
        {show(now)}
      </Text>
      <Text size="xs" c="dimmed">
        {note}
      </Text>
      <Text size="xs" mt={4} fw={500} c={change === null || Math.abs(change) < 0.005 ? "dimmed" : isGood ? "green" : "red"}>
        {change === null ? t("change.none", { then: show(then) }) : t(change < 0 ? "change.less" : "change.more", { share: numbers.share(Math.abs(change)), then: show(then) })}
      </Text>
    </Card>
  );
}
