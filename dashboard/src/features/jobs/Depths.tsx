// How many jobs stand where, by queue; each number leads to what it counts.

import { Text, UnstyledButton } from "@mantine/core";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { DataTable, type Column } from "@/ui/DataTable";
import classes from "./Jobs.module.css";
import { Length, Name } from "./words";

const DEPTHS = [
  ["ready", "queued"],
  ["scheduled", "queued"],
  ["running", "running"],
  ["dead", "failed"],
] as const;

type Depth = Schema<"DepthOut">;
type Row = Depth & { queue: string };

interface DepthsProps {
  queues: Record<string, Depth>;
  onChoose?: (queue: string, state: string) => void;
}

export function Depths({ queues, onChoose }: DepthsProps) {
  const t = useT("jobs");
  const rows = Object.entries(queues).map(([queue, depth]) => ({ queue, ...depth }));
  const columns = useDepthColumns<Row>(onChoose);
  if (rows.length === 0) {
    return (
      <Text c="dimmed" size="sm">
        {t("standing.none")}
      </Text>
    );
  }
  return (
    <DataTable
      label={t("standing.title")}
      rows={rows}
      keyOf={(row) => row.queue}
      columns={[{ id: "queue", header: t("column.queue"), cell: (row) => <Name>{row.queue}</Name> }, ...columns]}
    />
  );
}

/** The columns of any table over depths. */
export function useDepthColumns<R extends Row>(onChoose?: (queue: string, state: string) => void): Column<R>[] {
  const t = useT("jobs");
  const numbers = useNumbers();
  return [
    ...DEPTHS.map(([depth, state]) => ({
      id: depth,
      header: t(`depth.${depth}`),
      end: true,
      cell: (row: R) => {
        const count = numbers.whole(row[depth]);
        if (row[depth] === 0 || !onChoose) return <span data-depth={depth}>{count}</span>;
        return (
          <UnstyledButton
            className={classes.count}
            data-depth={depth}
            aria-label={t("standing.only", { count: row[depth], number: count, state: t(`depth.${depth}`), queue: row.queue })}
            onClick={() => onChoose(row.queue, state)}
          >
            {count}
          </UnstyledButton>
        );
      },
    })),
    { id: "oldest", header: t("depth.oldest"), end: true, cell: (row: R) => <Length seconds={row.oldest_ready_s} /> },
  ];
}
