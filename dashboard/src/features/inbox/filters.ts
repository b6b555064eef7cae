// Which conversations are shown: as it stands in the page's address, and as the server is asked.

import type { State } from "./words";

/** `yes` and `no` where something is on or off: the address holds words. */
export const FIRST_FILTERS = {
  state: "waiting", mine: "", unassigned: "", unread: "", wanted: "", label: "", account: "", q: "",
};
export type Filters = typeof FIRST_FILTERS;

export const SHOWN = ["waiting", "open", "pending", "resolved", "all"] as const;

const A_PAGE = 40;

export function queryOf(filters: Filters) {
  const { state, mine, unassigned, unread, wanted, label, account, q } = filters;
  return {
    limit: A_PAGE,
    ...(state !== "all" && SHOWN.some((one) => one === state) && { state: state as State | "waiting" }),
    ...(mine && { assignee: "me" as const }),
    ...(unassigned && !mine && { assignee: "nobody" as const }),
    ...(unread && { unread: true }),
    ...(wanted && { needs_person: true }),
    ...(label && { label }),
    ...(account && { account_id: account }),
    ...(q.trim() && { search: q.trim().slice(0, 100) }),
  };
}

export const isFiltered = (filters: Filters) =>
  Object.entries(filters).some(([name, value]) => name in FIRST_FILTERS && value !== FIRST_FILTERS[name as keyof Filters]);
