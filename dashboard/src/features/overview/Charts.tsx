// The two charts: today by the hour, and thirty days by one measure.

import { SegmentedControl } from "@mantine/core";
import { useState } from "react";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { Panel } from "@/ui/Panel";
import { DaysChart, type Measure } from "./DaysChart";
import { HoursChart } from "./HoursChart";

const HEIGHT = 240;

export function Today({ hours }: { hours: Schema<"HourOut">[] }) {
  const t = useT("overview");
  return (
    <Panel title={t("hours.title")}>
      <HoursChart hours={hours} height={HEIGHT} />
    </Panel>
  );
}

export function Month({ days }: { days: Schema<"DayOut">[] }) {
  const t = useT("overview");
  const [measure, setMeasure] = useState<Measure>("calls");
  return (
    <Panel
      title={t("days.title")}
      actions={
        <SegmentedControl
          size="xs"
          aria-label={t("days.measure")}
          value={measure}
          onChange={(value) => setMeasure(value as Measure)}
          data={[
            { value: "calls", label: t("figure.calls") },
            { value: "answer_rate", label: t("days.answered") },
            { value: "appointments", label: t("figure.appointments") },
            { value: "minutes", label: t("figure.minutes") },
          ]}
        />
      }
    >
      <DaysChart days={days} measure={measure} height={HEIGHT} />
    </Panel>
  );
}
