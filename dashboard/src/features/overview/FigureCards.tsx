import { Card, SimpleGrid, Text } from "@mantine/core";
import { useId } from "react";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";

export type Period = "today" | "last_7_days" | "last_30_days";

/** The figures of a stretch of time, a card each. */
export function FigureCards({ figures }: { figures: Schema<"FiguresOut"> }) {
  const t = useT("overview");
  const numbers = useNumbers();
  const { calls, inbound, outbound, answered, answer_rate: rate, cost } = figures;
  const isPriced = cost !== null && cost !== undefined;
  return (
    <SimpleGrid cols={{ base: 2, md: isPriced ? 5 : 4 }} spacing="md">
      <Figure
        label={t("figure.calls")}
        value={numbers.whole(calls)}
        note={t("figure.directions", { inbound: numbers.whole(inbound), outbound: numbers.whole(outbound) })}
      />
      <Figure
        label={t("figure.answer_rate")}
        value={rate === null ? t("figure.none") : numbers.share(rate)}
        note={t("figure.answered", { answered: numbers.whole(answered), outbound: numbers.whole(outbound) })}
      />
      <Figure
        label={t("figure.appointments")}
        value={numbers.whole(figures.appointments)}
        note={t("figure.made")}
      />
      <Figure label={t("figure.minutes")} value={numbers.whole(figures.minutes)} note={t("figure.talked")} />
      {isPriced && <Figure label={t("figure.cost")} value={numbers.one(cost)} note={t("figure.priced")} />}
    </SimpleGrid>
  );
}

function Figure({ label, value, note }: { label: string; value: string; note: string }) {
  const id = useId();
  return (
    <Card withBorder padding="sm" role="group" aria-labelledby={id}>
      <Text size="sm" c="dimmed" id={id}>
        {label}
      </Text>
      <Text size="1.6rem" fw={650} lh={1.3} className="numbers">
        {value}
      </Text>
      <Text size="xs" c="dimmed">
        {note}
      </Text>
    </Card>
  );
}
