// The two charts, whose library is loaded when they are first shown.

import { SegmentedControl, Skeleton } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { Panel } from "@/ui/Panel";
import type { Measure } from "./DaysChart";

const HoursChart = lazy(() => import("./HoursChart"));
const DaysChart = lazy(() => import("./DaysChart"));
const HEIGHT = 240;

export function Today({ hours }: { hours: Schema<"HourOut">[] }) {
  const t = useT("overview");
  return (
    <Panel title={t("hours.title")}>
      <Suspense fallback={<Skeleton height={HEIGHT} />}>
        <HoursChart hours={hours} height={HEIGHT} />
      </Suspense>
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
      <Suspense fallback={<Skeleton height={HEIGHT} />}>
        <DaysChart days={days} measure={measure} height={HEIGHT} />
      </Suspense>
    </Panel>
  );
}
