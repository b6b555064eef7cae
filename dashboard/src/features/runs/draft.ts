// A run that is not made yet: what has been typed and chosen of it, and how the API takes it.

import type { Schema } from "@/lib/api";
import type { Person } from "./PickPeople";

export const DIALS_AT_MOST = 10;
const SECONDS = 60;

export type Whom = Schema<"WhomIn">;
export type Way = "list" | "chosen" | "filter" | "everybody" | "given";
export type Begin = "draft" | "now" | "later";
/** What stands in a field of a number: empty is a string. */
type Figure = number | string;

/** What a run can be made of; only lists in which somebody is. */
export interface Given {
  lists: Schema<"LeadListOut">[];
  agents: Schema<"AgentRow">[];
  numbers: Schema<"NumberOut">[];
}

export interface Draft {
  way: Way;
  list: string | null;
  chosen: Person[];
  search: string;
  /** People whom the page's address names. */
  given: string[];
  /** Null: nobody has typed one. */
  title: string | null;
  agent: string | null;
  from: string | null;
  pool: string[];
  near: boolean;
  lines: Figure;
  ramp: Figure;
  priority: Figure;
  attempts: Figure;
  delay: Figure;
  /** Outcome -> how often and how soon it is tried again after it. */
  rules: Record<string, Retry>;
  detection: Schema<"Detection">;
  action: Schema<"OnMachine">;
  message: string;
  begin: Begin;
  at: string;
}

export interface Retry {
  times: Figure;
  minutes: Figure;
}

/** What every part of the form is given. */
export interface DraftProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
}

/** The draft with which the form opens. */
export function firstDraft({ lists, agents, numbers }: Given, wanted: { list: string; leads: string }, lines: number): Draft {
  const given = wanted.leads.split(",").filter(Boolean);
  return {
    way: given.length > 0 ? "given" : lists.length > 0 ? "list" : "chosen",
    list: lists.find(({ id }) => id === wanted.list)?.id ?? lists[0]?.id ?? null,
    chosen: [],
    search: "",
    given,
    title: null,
    agent: agents[0]?.id ?? null,
    from: numbers[0]?.e164 ?? null,
    pool: [],
    near: false,
    lines: Math.min(3, lines),
    ramp: "",
    priority: 0,
    attempts: 1,
    delay: 30,
    rules: {},
    detection: "heard",
    action: "hang_up",
    message: "",
    begin: "draft",
    at: "",
  };
}

/** Whom it would call; null: nobody is chosen yet. */
export function whomOf({ way, list, chosen, search, given }: Draft): Whom | null {
  const whom: Record<Way, Whom | null> = {
    list: list ? { list_id: list } : null,
    chosen: chosen.length > 0 ? { lead_ids: chosen.map(({ id }) => id) } : null,
    filter: search.trim() ? { filter: { search: search.trim() } } : null,
    everybody: { filter: { everybody: true } },
    given: { lead_ids: given },
  } as Record<Way, Whom | null>;
  return whom[way];
}

/** Its title: the chosen list's, where nobody has typed one. */
export function titleOf({ title, way, list }: Draft, lists: Given["lists"]): string {
  if (title !== null) return title;
  return way === "list" ? (lists.find(({ id }) => id === list)?.name ?? "") : "";
}

/** How often somebody is dialled at most: as often as some outcome wants it. */
export function mostDials({ attempts, rules }: Draft): number {
  const asked = Math.max(1, ...Object.values(rules).map(({ times }) => Number(times || 0) + 1));
  return Math.min(DIALS_AT_MOST, Math.max(Number(attempts || 1), asked));
}

/** The draft as the API takes it; null while something is missing. */
export function bodyOf(draft: Draft, lists: Given["lists"]): Schema<"RunIn"> | null {
  const { agent, from, ramp, rules, detection, action, message } = draft;
  const whom = whomOf(draft);
  const title = titleOf(draft, lists).trim();
  if (whom === null || title === "" || agent === null || from === null) return null;
  const options = {
    agent_id: agent,
    from_number: from,
    caller_ids: draft.pool.filter((number) => number !== from),
    local_presence: draft.near,
    concurrency: Number(draft.lines),
    ramp_up_per_minute: ramp === "" ? null : Number(ramp),
    priority: Number(draft.priority || 0),
    max_attempts: mostDials(draft),
    retry_delay_s: Number(draft.delay || 0) * SECONDS,
    retries: Object.fromEntries(
      Object.entries(rules)
        .filter(([, rule]) => rule.times !== "")
        .map(([code, rule]) => [code, { times: Number(rule.times), delay_s: Number(rule.minutes || 0) * SECONDS }]),
    ),
    machines: { detection, action, message: action === "leave_message" ? message : "" },
  } as Schema<"RunOptionsIn">;
  return { title, ...whom, options };
}
