// The last thirty days by one measure.

import type { Schema } from "@/lib/api";
import { useLanguage, useNumbers, useT } from "@/lib/i18n";
import { Chart } from "@/ui/Chart";

export type Measure = "calls" | "answer_rate" | "appointments" | "minutes";

const HUES: Record<Measure, string> = {
  calls: "trunk.6", answer_rate: "blue.6", appointments: "green.6", minutes: "grape.6",
};

interface Props {
  days: Schema<"DayOut">[];
  measure: Measure;
  height: number;
}

export function DaysChart({ days, measure, height }: Props) {
  const t = useT("overview");
  const numbers = useNumbers();
  const language = useLanguage();
  // Days are days of the calendar: they are told as they are, in no zone.
  const format = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
    day: "numeric", month: "short", timeZone: "UTC",
  });
  const show = (value: number) => (measure === "answer_rate" ? numbers.share(value) : numbers.whole(value));
  const label = t(measure === "answer_rate" ? "figure.answer_rate" : `figure.${measure}`);
  const today = days.at(-1)?.[measure];
  const said = today === null || today === undefined ? label : t("days.said", { measure: label, value: show(today) });
  return (
    <Chart
      said={said}
      kind="area"
      height={height}
      most={measure === "answer_rate" ? 1 : 0}
      series={[{ name: "value", label, color: HUES[measure] }]}
      points={days.map((day) => ({
        key: day.day,
        label: format.format(new Date(day.day)),
        values: { value: day[measure] },
      }))}
      format={show}
    />
  );
}
