// Which leads are looked at: the filters of the address, as the API takes them.

import { useMemo } from "react";
import { useFilters } from "@/lib/address";
import type { Schema } from "@/lib/api";

const FIRST = { q: "", status: "", list: "", tag: "", consent: "", owner: "", field: "" };

export type LeadFilters = typeof FIRST;
type Consent = NonNullable<Schema<"LeadFilter">["consent"]>;

/** What `GET /api/leads` is asked for where nothing is chosen. */
export const NEWEST = { order: "newest", limit: 50 } as const;

/** The conditions of `GET /api/leads`; what is not chosen is left out. */
export interface Conditions {
  search?: string;
  status_id?: string[];
  list_id?: string;
  tag?: string;
  consent?: Consent;
  owner_id?: string;
  field?: string[];
}

export interface LeadView {
  filters: LeadFilters;
  set: (change: Partial<LeadFilters>) => void;
  clear: () => void;
  conditions: Conditions;
  /** Whether anything is chosen at all. */
  narrowed: boolean;
  /** All of it as one text, which changes when it does. */
  key: string;
}

export function useLeadFilters(): LeadView {
  const [filters, set] = useFilters(FIRST);
  return useMemo(() => {
    const conditions: Conditions = {
      ...(filters.q.trim() && { search: filters.q.trim() }),
      ...(filters.status && { status_id: filters.status.split(",") }),
      ...(filters.list && { list_id: filters.list }),
      ...(filters.tag && { tag: filters.tag }),
      ...(filters.consent && { consent: filters.consent as Consent }),
      ...(filters.owner && { owner_id: filters.owner }),
      ...(filters.field && { field: [filters.field] }),
    };
    const narrowed = Object.keys(conditions).length > 0;
    return { filters, set, clear: () => set(FIRST), conditions, narrowed, key: JSON.stringify(conditions) };
  }, [filters, set]);
}

/** What bulk work takes for all that meet the conditions. */
export function filterOf({ conditions, narrowed }: LeadView): Partial<Schema<"LeadFilter">> {
  return narrowed ? conditions : { everybody: true };
}
