// The board's columns with as many of their cards as have been asked for.

import { keepPreviousData, useQueries } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { client } from "@/lib/api";
import type { BoardColumn } from "./arrange";
import type { Conditions } from "./filters";
import type { Lead } from "./words";

/** As many cards as a column shows more each time that it is asked to. */
export const MORE = 50;
const MOST_A_PAGE = 200;

export interface Columns {
  columns: BoardColumn[];
  /** Show the next cards of a column. */
  lengthen: (column: BoardColumn) => void;
  /** Which columns are being lengthened. */
  busy: ReadonlySet<string>;
}

export function useColumns(given: BoardColumn[], conditions: Conditions): Columns {
  const [wanted, setWanted] = useState<Record<string, number>>({});
  const long = given.filter((column) => (wanted[column.status.id] ?? 0) > column.leads.length && column.next_cursor);
  const answers = useQueries({
    queries: long.map(({ status }) => {
      const cards = wanted[status.id]!;
      return {
        queryKey: ["get", "/api/leads", { column: status.id, conditions, cards }],
        queryFn: () => firstOf(status.id, conditions, cards),
        placeholderData: keepPreviousData,
      };
    }),
  });
  const longer = new Map(long.map((column, at) => [column.status.id, answers[at]!]));
  const columns = given.map((column) => {
    const leads = longer.get(column.status.id)?.data;
    return leads && leads.length > column.leads.length ? { ...column, leads } : column;
  });
  const lengthen = useCallback(
    (column: BoardColumn) => setWanted((before) => ({ ...before, [column.status.id]: column.leads.length + MORE })),
    [],
  );
  const isBusy = ([, answer]: [string, { isPending: boolean; isPlaceholderData: boolean }]) =>
    answer.isPending || answer.isPlaceholderData;
  return { columns, lengthen, busy: new Set([...longer].filter(isBusy).map(([id]) => id)) };
}

/** The first cards of a column, page after page: in the board's order a page goes on behind the one before. */
async function firstOf(statusId: string, conditions: Conditions, cards: number): Promise<Lead[]> {
  const found: Lead[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(cards - found.length, MOST_A_PAGE);
    const query = { ...conditions, status_id: [statusId], order: "board" as const, limit, cursor };
    const { data } = await client.GET("/api/leads", { params: { query } });
    if (!data) throw new Error("The server answered with nothing.");
    found.push(...data.leads);
    cursor = data.next_cursor ?? undefined;
  } while (cursor && found.length < cards);
  return found;
}
