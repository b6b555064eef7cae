// Calls of today by the hour at which they began.

import "@mantine/charts/styles.css";
import { BarChart } from "@mantine/charts";
import type { Schema } from "@/lib/api";
import { directionOf, useLanguage, useNumbers, useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { tickOf } from "./ticks";

export default function HoursChart({ hours, height }: { hours: Schema<"HourOut">[]; height: number }) {
  const t = useT("overview");
  const time = useTime();
  const numbers = useNumbers();
  const backwards = directionOf(useLanguage()) === "rtl";
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
    <div role="img" aria-label={said} dir="ltr">
      <BarChart
        h={height}
        data={hours.map((hour) => ({ ...hour, hour: time.clock(hour.starts_at) }))}
        dataKey="hour"
        type="stacked"
        series={[
          { name: "outbound", label: t("live.outbound"), color: "trunk.6" },
          { name: "inbound", label: t("live.inbound"), color: "yellow.6" },
        ]}
        withLegend
        legendProps={{ verticalAlign: "bottom", height: 32 }}
        valueFormatter={numbers.whole}
        xAxisProps={{ reversed: backwards, interval: "preserveStartEnd", minTickGap: 12 }}
        yAxisProps={{ allowDecimals: false, orientation: backwards ? "right" : "left", tick: tickOf(backwards), width: 44 }}
        tickLine="none"
        barProps={{ isAnimationActive: false }}
      />
    </div>
  );
}
