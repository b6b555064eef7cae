// Where a card would stand: pure functions over the columns of the board.

import type { Schema } from "@/lib/api";

export type BoardColumn = Schema<"BoardColumnOut">;

/** A card in hand: in which column it is held now, and before how many others. */
export interface Held {
  leadId: string;
  columnId: string;
  index: number;
}

export function findCard(columns: BoardColumn[], leadId: string): Held | null {
  for (const column of columns) {
    const index = column.leads.findIndex((lead) => lead.id === leadId);
    if (index >= 0) return { leadId, columnId: column.status.id, index };
  }
  return null;
}

/** The board with the card where it is held. */
export function withHeld(columns: BoardColumn[], held: Held | null): BoardColumn[] {
  const from = held && columns.find((column) => column.leads.some((lead) => lead.id === held.leadId));
  const card = from?.leads.find((lead) => lead.id === held?.leadId);
  if (!held || !from || !card) return columns;
  return columns.map((column) => {
    const isHere = column.status.id === held.columnId;
    if (!isHere && column !== from) return column;
    const leads = column.leads.filter((lead) => lead !== card);
    const count = column.count - (column === from ? 1 : 0) + (isHere ? 1 : 0);
    if (isHere) leads.splice(Math.min(held.index, leads.length), 0, { ...card, status_id: held.columnId });
    return { ...column, leads, count };
  });
}

/** A held card one step on: `column` and `row` are -1, 0 or 1. It stays where there is no further. */
export function stepped(columns: BoardColumn[], held: Held, column: number, row: number): Held {
  const at = columns.findIndex((one) => one.status.id === held.columnId);
  const to = columns[Math.min(Math.max(at + column, 0), columns.length - 1)];
  if (!to) return held;
  const others = to.leads.filter((lead) => lead.id !== held.leadId).length;
  const index = Math.min(Math.max(held.index + row, 0), others);
  return { ...held, columnId: to.status.id, index };
}

/** The card behind which a held one stands; null: it is the first. */
export function cardAbove(columns: BoardColumn[], held: Held): string | null {
  const column = columns.find((one) => one.status.id === held.columnId);
  const others = (column?.leads ?? []).filter((lead) => lead.id !== held.leadId);
  return others[Math.min(held.index, others.length) - 1]?.id ?? null;
}
