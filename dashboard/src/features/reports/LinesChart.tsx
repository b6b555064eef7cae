// A report's lines as columns: calls in both directions, or one measure.

import { Select } from "@mantine/core";
import { useState } from "react";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { Chart, type Point } from "@/ui/Chart";
import { Panel } from "@/ui/Panel";
import { useLineName } from "./names";

const MEASURES = ["calls", "answer_rate", "minutes", "appointments"] as const;
type Measure = (typeof MEASURES)[number];

/** More columns are no picture; agents, runs and sources come with the greatest first. */
const MOST = 100;

export function LinesChart({ found }: { found: Schema<"ReportOut"> }) {
  const t = useT("reports");
  const numbers = useNumbers();
  const nameOf = useLineName(found.by, true);
  const [measure, setMeasure] = useState<Measure>("calls");
  const show = (value: number) => (measure === "answer_rate" ? numbers.share(value) : numbers.whole(value));
  const label = t(`measure.${measure}`);
  const series =
    measure === "calls"
      ? [
          { name: "outbound", label: t("column.outbound"), color: "trunk.6" },
          { name: "inbound", label: t("column.inbound"), color: "blue.5" },
        ]
      : [{ name: "value", label, color: measure === "minutes" ? "grape.6" : measure === "appointments" ? "green.6" : "blue.6" }];
  const total = measure === "calls" ? found.total.figures.calls : (found.total.figures[measure] ?? 0);
  return (
    <Panel
      title={t(`chart.${found.by}`)}
      actions={
        <Select
          size="xs" aria-label={t("measure.label")} allowDeselect={false} value={measure}
          onChange={(value) => setMeasure((value ?? "calls") as Measure)}
          data={MEASURES.map((value) => ({ value, label: t(`measure.${value}`) }))}
        />
      }
    >
      <Chart
        said={t("chart.said", { measure: label, total: show(total) })}
        kind="columns" height={240} most={measure === "answer_rate" ? 1 : 0} series={series} format={show}
        points={found.lines.slice(0, MOST).map((line): Point => ({
          key: line.is_rest ? "rest" : (line.key ?? "none"),
          label: nameOf(line),
          values:
            measure === "calls"
              ? { outbound: line.figures.outbound, inbound: line.figures.inbound }
              : { value: line.figures[measure] },
        }))}
      />
    </Panel>
  );
}
