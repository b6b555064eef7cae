// Carrying cards about the board: by pointer and by keyboard, both by the same state, a card held somewhere.

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { client } from "@/lib/api";
import { useAct } from "@/ui/act";
import { cardAbove, findCard, stepped, withHeld, type BoardColumn, type Held } from "./arrange";

const FAR_PX = 6;
const EDGE_PX = 48;
const SCROLL_PX = 14;

export interface Cards {
  columns: BoardColumn[];
  held: Held | null;
  /** What those hear who do not see it. */
  said: { deed: "lifted" | "at" | "dropped" | "put_back"; held: Held } | null;
  handle: (leadId: string) => {
    onPointerDown: (event: PointerEvent<HTMLElement>) => void;
    onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
    onBlur: () => void;
  };
}

export function useCards(given: BoardColumn[]): Cards {
  const act = useAct();
  const queries = useQueryClient();
  const [held, setHeld] = useState<Held | null>(null);
  const [said, setSaid] = useState<Cards["said"]>(null);
  const now = useRef({ given, held });
  const byKeys = useRef(false);
  const saving = useRef(false);
  /** Whose handle has the focus, wherever its card goes. */
  const followed = useRef<string | null>(null);
  useEffect(() => {
    now.current = { given, held };
  });

  // In another column it is another element, which the focus has to follow.
  useEffect(() => {
    if (followed.current && document.activeElement === document.body) handleOf(followed.current)?.focus();
  }, [held]);

  const hold = useCallback((next: Held | null) => {
    now.current.held = next;
    setHeld(next);
  }, []);

  const drop = useCallback(async () => {
    const { held: last, given: columns } = now.current;
    const from = last && findCard(columns, last.leadId);
    if (!last || !from) return hold(null);
    if (from.columnId === last.columnId && from.index === last.index) {
      setSaid({ deed: "put_back", held: last });
      return hold(null);
    }
    setSaid({ deed: "dropped", held: last });
    saving.current = true;
    const body = { status_id: last.columnId, after: cardAbove(columns, last) };
    // It stays where it was put while the server is told and the board is read anew.
    await act(() => client.POST("/api/leads/{lead_id}/move", { params: { path: { lead_id: last.leadId } }, body }));
    const shown = (query: { queryKey: readonly unknown[] }) => ["/api/leads/board", "/api/leads"].includes(String(query.queryKey[1]));
    await queries.invalidateQueries({ predicate: shown });
    saving.current = false;
    if (now.current.held === last) hold(null);
  }, [act, queries, hold]);

  const carry = useCallback(
    (leadId: string, start: PointerEvent<HTMLElement>) => {
      const touches = start.pointerType !== "mouse";
      const origin = { x: start.clientX, y: start.clientY };
      let lifted = false;
      const move = (event: globalThis.PointerEvent) => {
        if (!lifted && Math.hypot(event.clientX - origin.x, event.clientY - origin.y) < FAR_PX) return;
        lifted = true;
        event.preventDefault();
        scrollNear(event.clientX);
        const place = placeAt(event.clientX, event.clientY, leadId);
        const before = now.current.held ?? findCard(now.current.given, leadId);
        if (place && (before?.columnId !== place.columnId || before.index !== place.index || !now.current.held)) hold(place);
      };
      const end = (event: globalThis.PointerEvent) => {
        stop();
        if (!lifted) return;
        // The click that follows would open the lead.
        addEventListener("click", swallow, { capture: true, once: true });
        setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
        if (event.type === "pointerup") void drop();
        else hold(null);
      };
      const key = (event: globalThis.KeyboardEvent) => {
        if (event.key !== "Escape") return;
        stop();
        hold(null);
      };
      const stop = () => {
        removeEventListener("pointermove", move);
        removeEventListener("pointerup", end);
        removeEventListener("pointercancel", end);
        removeEventListener("keydown", key);
      };
      if (touches) start.currentTarget.releasePointerCapture(start.pointerId);
      addEventListener("pointermove", move, { passive: false });
      addEventListener("pointerup", end);
      addEventListener("pointercancel", end);
      addEventListener("keydown", key);
    },
    [drop, hold],
  );

  const handle = useCallback<Cards["handle"]>(
    (leadId) => ({
      onPointerDown(event) {
        if (event.button === 0 && event.isPrimary) carry(leadId, event);
      },
      onKeyDown(event) {
        const last = now.current.held;
        const isHeld = last?.leadId === leadId && byKeys.current;
        if (event.key === " " || event.key === "Enter") {
          event.preventDefault();
          if (isHeld) {
            byKeys.current = false;
            return void drop();
          }
          const found = findCard(now.current.given, leadId);
          if (!found) return;
          byKeys.current = true;
          followed.current = leadId;
          hold(found);
          setSaid({ deed: "lifted", held: found });
        } else if (isHeld && event.key === "Escape") {
          event.preventDefault();
          byKeys.current = false;
          hold(null);
          setSaid({ deed: "put_back", held: last });
        } else if (isHeld) {
          const [column, row] = stepOf(event.key);
          if (column === 0 && row === 0) return;
          event.preventDefault();
          const next = stepped(now.current.given, last, column, row);
          hold(next);
          setSaid({ deed: "at", held: next });
        }
      },
      onBlur() {
        // Who goes elsewhere lets go of the card.
        requestAnimationFrame(() => {
          if (followed.current !== leadId) return;
          if (document.activeElement === handleOf(leadId)) return;
          byKeys.current = false;
          followed.current = null;
          if (now.current.held?.leadId === leadId && !saving.current) hold(null);
        });
      },
    }),
    [carry, drop, hold],
  );
  return { columns: withHeld(given, held), held, said, handle };
}

const handleOf = (leadId: string) => document.querySelector<HTMLElement>(`[data-handle="${leadId}"]`);

function stepOf(key: string): [number, number] {
  // The next column is where one reads on.
  const onwards = document.documentElement.dir === "rtl" ? -1 : 1;
  if (key === "ArrowRight") return [onwards, 0];
  if (key === "ArrowLeft") return [-onwards, 0];
  if (key === "ArrowUp") return [0, -1];
  if (key === "ArrowDown") return [0, 1];
  return [0, 0];
}

/** In which column a point is, and before how many of its other cards. */
function placeAt(x: number, y: number, leadId: string): Held | null {
  const columns = [...document.querySelectorAll<HTMLElement>("[data-column]")];
  const column = columns.find((one) => {
    const box = one.getBoundingClientRect();
    return x >= box.x && x <= box.x + box.width;
  });
  const columnId = column?.dataset.column;
  if (!column || !columnId) return null;
  const cards = [...column.querySelectorAll<HTMLElement>("[data-card]")].filter((card) => card.dataset.card !== leadId);
  const index = cards.filter((card) => {
    const box = card.getBoundingClientRect();
    return y > box.y + box.height / 2;
  }).length;
  return { leadId, columnId, index };
}

/** Scroll the board where a card is carried to its edge. */
function scrollNear(x: number): void {
  const board = document.querySelector<HTMLElement>("[data-board]");
  if (!board) return;
  const box = board.getBoundingClientRect();
  if (x < box.x + EDGE_PX) board.scrollBy({ left: -SCROLL_PX });
  else if (x > box.x + box.width - EDGE_PX) board.scrollBy({ left: SCROLL_PX });
}

function swallow(event: Event): void {
  event.stopPropagation();
  event.preventDefault();
}
