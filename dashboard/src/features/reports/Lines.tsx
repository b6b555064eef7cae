// A report's lines as a table. An agent's, run's or source's name narrows the report to it, by day.

import { Anchor } from "@mantine/core";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { DataTable, type Column } from "@/ui/DataTable";
import { useLineName } from "./names";

type Line = Schema<"LineOut">;

export function Lines({
  found, set,
}: {
  found: Schema<"ReportOut">;
  set: (change: Partial<Record<"by" | "agent" | "run" | "source", string>>) => void;
}) {
  const t = useT("reports");
  const numbers = useNumbers();
  const nameOf = useLineName(found.by);
  const { by } = found;
  const narrows = by === "agent" || by === "run" || by === "source";
  const figure = (id: string, cell: (line: Line) => string, wide = false): Column<Line> => ({
    id, header: t(`column.${id}`), end: true, wide, cell: (line) => <span className="numbers">{cell(line)}</span>,
  });
  return (
    <DataTable<Line>
      label={t(`lines.${by}`)}
      least="44rem"
      rows={found.lines}
      keyOf={(line) => (line.is_rest ? "rest" : (line.key ?? "none"))}
      columns={[
        {
          id: "name", header: t(`by.${by}`),
          cell: (line) =>
            narrows && line.key !== null ? (
              <Anchor component="button" type="button" size="sm" onClick={() => set({ [by]: line.key ?? "", by: "day" })}>
                <bdi>{nameOf(line)}</bdi>
              </Anchor>
            ) : (
              <bdi>{nameOf(line)}</bdi>
            ),
        },
        figure("calls", ({ figures }) => numbers.whole(figures.calls)),
        figure("outbound", ({ figures }) => numbers.whole(figures.outbound), true),
        figure("inbound", ({ figures }) => numbers.whole(figures.inbound), true),
        figure("answer_rate", ({ figures }) => (figures.answer_rate === null ? t("none") : numbers.share(figures.answer_rate))),
        figure("minutes", ({ figures }) => numbers.whole(figures.minutes)),
        figure("made", ({ figures }) => numbers.whole(figures.appointments)),
        figure("kept", ({ meetings }) => numbers.whole(meetings.kept)),
        figure("no_show", ({ meetings }) => numbers.whole(meetings.no_show)),
      ]}
    />
  );
}
