// Calls of today by the hour at which they began.

import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { Chart } from "@/ui/Chart";

export function HoursChart({ hours, height }: { hours: Schema<"HourOut">[]; height: number }) {
  const t = useT("overview");
  const time = useTime();
  const numbers = useNumbers();
  const calls = hours.reduce((sum, { inbound, outbound }) => sum + inbound + outbound, 0);
  const busiest = hours.reduce<Schema<"HourOut"> | null>(
    (most, hour) => (!most || hour.inbound + hour.outbound > most.inbound + most.outbound ? hour : most),
    null,
  );
  const said =
    calls === 0 || !busiest
      ? t("hours.none")
      : t("hours.said", { count: calls, number: numbers.whole(calls), hour: time.clock(busiest.starts_at) });
  return (
    <Chart
      said={said}
      kind="columns"
      height={height}
      series={[
        { name: "outbound", label: t("live.outbound"), color: "trunk.6" },
        { name: "inbound", label: t("live.inbound"), color: "yellow.6" },
      ]}
      points={hours.map(({ starts_at, inbound, outbound }) => ({
        key: starts_at,
        label: time.clock(starts_at),
        values: { inbound, outbound },
      }))}
      format={numbers.whole}
    />
  );
}
