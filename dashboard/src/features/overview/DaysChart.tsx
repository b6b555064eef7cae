// The last thirty days by one measure.

import "@mantine/charts/styles.css";
import { AreaChart } from "@mantine/charts";
import type { Schema } from "@/lib/api";
import { directionOf, useLanguage, useNumbers, useT } from "@/lib/i18n";
import { tickOf } from "./ticks";

export type Measure = "calls" | "answer_rate" | "appointments" | "minutes";

const HUES: Record<Measure, string> = {
  calls: "trunk.6", answer_rate: "blue.6", appointments: "green.6", minutes: "grape.6",
};

interface Props {
  days: Schema<"DayOut">[];
  measure: Measure;
  height: number;
}

export default function DaysChart({ days, measure, height }: Props) {
  const t = useT("overview");
  const numbers = useNumbers();
  const language = useLanguage();
  const backwards = directionOf(language) === "rtl";
  // Days are days of the calendar: they are told as they are, in no zone.
  const format = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
    day: "numeric", month: "short", timeZone: "UTC",
  });
  const show = (value: number) => (measure === "answer_rate" ? numbers.share(value) : numbers.whole(value));
  const label = t(measure === "answer_rate" ? "figure.answer_rate" : `figure.${measure}`);
  const today = days.at(-1)?.[measure];
  const said = today === null || today === undefined ? label : t("days.said", { measure: label, value: show(today) });
  return (
    <div role="img" aria-label={said} dir="ltr">
      <AreaChart
        h={height}
        data={days.map((day) => ({ day: format.format(new Date(day.day)), value: day[measure] }))}
        dataKey="day"
        series={[{ name: "value", label, color: HUES[measure] }]}
        curveType="linear"
        withDots={false}
        connectNulls={false}
        fillOpacity={0.25}
        valueFormatter={show}
        xAxisProps={{ reversed: backwards, interval: "preserveStartEnd", minTickGap: 24 }}
        yAxisProps={{
          allowDecimals: measure === "answer_rate", orientation: backwards ? "right" : "left", tick: tickOf(backwards), width: 48,
          domain: measure === "answer_rate" ? [0, 1] : [0, "auto"],
        }}
        tickLine="none"
        areaProps={{ isAnimationActive: false }}
      />
    </div>
  );
}
