// A written dialogue as data, and what can be done to it. Pure. The form is docs/reference/dialogue.md's; the server
// checks it, so what is read here may have anything wrong with it but its outermost shape.

export type Text = Record<string, string>;
export type Phrases = Record<string, string[]>;

export interface Meaning {
  phrases?: Phrases;
  spoken?: Text;
}

export interface Patience {
  tries?: number;
  unclear: Text;
  next: string;
  silences?: number;
  silence: Text;
  silence_next: string;
}

export interface Anywhere {
  phrases: Phrases;
  say?: Text | null;
  next?: string | null;
  first_answers?: number | null;
  hinted?: boolean;
}

interface Base {
  notes?: Record<string, string>;
}

interface Question extends Base {
  say: Text;
  keys?: Record<string, string>;
  hint?: Text | null;
  patience?: Patience | null;
}

export interface Ask extends Question {
  kind: "ask";
  slot?: string | null;
  answers?: string | null;
  next: string | Record<string, string>;
}

export interface Confirm extends Question {
  kind: "confirm";
  slot: string;
  answers?: string;
  yes: string;
  no: string;
}

export interface ToolStep extends Base {
  kind: "tool";
  tool: string;
  arguments?: Record<string, string>;
  say?: Text | null;
  results: Record<string, string>;
}

export interface Tell extends Base {
  kind: "tell";
  say: Text;
  next: string;
}

export interface End extends Base {
  kind: "end";
  say: Text;
  reason?: string;
}

export type Step = Ask | Confirm | ToolStep | Tell | End;
export type Kind = Step["kind"];
export const KINDS: Kind[] = ["ask", "confirm", "tool", "tell", "end"];

export interface Dialogue {
  version?: number;
  languages: string[];
  variables?: Record<string, Text>;
  opening?: Text | null;
  start: string;
  answers: Record<string, Record<string, Meaning>>;
  slots?: Record<string, { answers: string }>;
  anywhere?: Record<string, Anywhere>;
  patience: Patience;
  least_confidence?: number;
  machine?: string | null;
  longest?: number;
  give_up: string;
  states: Record<string, Step>;
}

/** Whether something has a dialogue's outermost shape, so that it can be shown as steps. */
export function isDialogue(value: unknown): value is Dialogue {
  const some = value as Partial<Dialogue> | null | undefined;
  const isRecord = (part: unknown) => typeof part === "object" && part !== null && !Array.isArray(part);
  return (
    isRecord(some) &&
    isRecord(some?.states) &&
    isRecord(some?.answers) &&
    isRecord(some?.patience) &&
    Array.isArray(some?.languages) &&
    Object.values(some?.states ?? {}).every((step) => isRecord(step) && KINDS.includes(step.kind))
  );
}

/** One way out of a step: upon what, and to which step. */
export interface Exit {
  /** A meaning, a tool's result, `yes`, `no`; empty where there is only one way. */
  on: string;
  to: string;
}

export function exitsOf(step: Step): Exit[] {
  switch (step.kind) {
    case "ask":
      return typeof step.next === "string"
        ? [{ on: "", to: step.next }]
        : Object.entries(step.next ?? {}).map(([on, to]) => ({ on, to }));
    case "confirm":
      return [
        { on: "yes", to: step.yes },
        { on: "no", to: step.no },
      ];
    case "tool":
      return Object.entries(step.results ?? {}).map(([on, to]) => ({ on, to }));
    case "tell":
      return [{ on: "", to: step.next }];
    case "end":
      return [];
  }
}

/** The step with this way out leading elsewhere. */
export function withExit(step: Step, on: string, to: string): Step {
  switch (step.kind) {
    case "ask":
      return { ...step, next: typeof step.next === "string" ? to : { ...step.next, [on]: to } };
    case "confirm":
      return { ...step, [on]: to };
    case "tool":
      return { ...step, results: { ...step.results, [on]: to } };
    case "tell":
      return { ...step, next: to };
    case "end":
      return step;
  }
}

/** What may be answered in a step, by meaning. */
export function answersOf(dialogue: Dialogue, step: Step): Record<string, Meaning> {
  if (step.kind !== "ask" && step.kind !== "confirm") return {};
  const set =
    step.kind === "confirm"
      ? (step.answers ?? "yes_no")
      : step.slot
        ? dialogue.slots?.[step.slot]?.answers
        : step.answers;
  return (set ? dialogue.answers[set] : undefined) ?? {};
}

const HAPPY = ["yes", "ok"];
const UNHAPPY = ["no", "other"];
const byName = new Intl.Collator("en", { numeric: true }).compare;

/** Answers and results as people would order them: by the key that means them, yes before no, by name. */
export function inOrder<T extends { on: string }>(rows: T[], keys: Record<string, string> = {}): T[] {
  const first = new Map<string, string>();
  for (const digits of Object.keys(keys).sort(byName)) {
    const meaning = keys[digits] as string;
    if (!first.has(meaning)) first.set(meaning, digits);
  }
  const rank = ({ on }: T) => (HAPPY.includes(on) ? -1 : UNHAPPY.includes(on) ? 1 : 0);
  const figures = (row: T) => Number(first.get(row.on) ?? Infinity);
  return [...rows].sort(
    (one, other) =>
      (figures(one) === figures(other) ? 0 : figures(one) - figures(other)) || rank(one) - rank(other) || byName(one.on, other.on),
  );
}

/** The keys of the telephone that mean something in a set of answers, wherever it is asked for. */
export function keysOfSet(dialogue: Dialogue, set: string): Record<string, string> {
  const asking = Object.values(dialogue.states).filter(
    (step): step is Ask | Confirm =>
      (step.kind === "ask" || step.kind === "confirm") && answersOf(dialogue, step) === dialogue.answers[set],
  );
  return Object.assign({}, ...asking.map(({ keys }) => keys ?? {})) as Record<string, string>;
}

/**
 * Names of steps in the order in which a conversation goes: what leads on before what ends, and those that nothing
 * leads to last.
 */
export function orderOf(dialogue: Dialogue): string[] {
  const seen = new Set<string>();
  const visit = (name: string | null | undefined) => {
    if (!name || seen.has(name)) return;
    const step = dialogue.states[name];
    if (!step) return;
    seen.add(name);
    const ways = inOrder(exitsOf(step), "keys" in step ? step.keys : {});
    const ends = ({ to }: Exit) => dialogue.states[to]?.kind === "end";
    for (const { to } of [...ways.filter((way) => !ends(way)), ...ways.filter(ends)]) visit(to);
    if ((step.kind === "ask" || step.kind === "confirm") && step.patience) {
      visit(step.patience.next);
      visit(step.patience.silence_next);
    }
  };
  visit(dialogue.start);
  for (const { next } of Object.values(dialogue.anywhere ?? {})) visit(next);
  visit(dialogue.patience.next);
  visit(dialogue.patience.silence_next);
  visit(dialogue.machine);
  visit(dialogue.give_up);
  return [...seen, ...Object.keys(dialogue.states).filter((name) => !seen.has(name))];
}

/** Names of the steps that lead to each step. */
export function entrancesOf(dialogue: Dialogue): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [name, step] of Object.entries(dialogue.states)) {
    for (const to of new Set(exitsOf(step).map((exit) => exit.to))) found.set(to, [...(found.get(to) ?? []), name]);
  }
  return found;
}

export const withStep = (dialogue: Dialogue, name: string, step: Step): Dialogue => ({
  ...dialogue,
  states: { ...dialogue.states, [name]: step },
});

export function withoutStep(dialogue: Dialogue, name: string): Dialogue {
  return { ...dialogue, states: without(dialogue.states, name) };
}

/** The dialogue with a step under another name, everywhere. */
export function renamed(dialogue: Dialogue, before: string, after: string): Dialogue {
  const name = <T extends string | null | undefined>(one: T): T => (one === before ? (after as T) : one);
  const patience = (one: Patience): Patience => ({ ...one, next: name(one.next), silence_next: name(one.silence_next) });
  const states = Object.entries(dialogue.states).map(([key, step]) => {
    let next = step;
    for (const exit of exitsOf(step)) next = withExit(next, exit.on, name(exit.to));
    if ((next.kind === "ask" || next.kind === "confirm") && next.patience) next = { ...next, patience: patience(next.patience) };
    return [name(key), next] as const;
  });
  const anywhere = Object.entries(dialogue.anywhere ?? {}).map(([key, one]) => [key, one.next ? { ...one, next: name(one.next) } : one]);
  return {
    ...dialogue,
    start: name(dialogue.start),
    give_up: name(dialogue.give_up),
    ...(dialogue.machine && { machine: name(dialogue.machine) }),
    patience: patience(dialogue.patience),
    ...(dialogue.anywhere && { anywhere: Object.fromEntries(anywhere) as Record<string, Anywhere> }),
    states: Object.fromEntries(states),
  };
}

/** A new step of a kind, as sound as it can be before anything is written in it. */
export function newStep(dialogue: Dialogue, kind: Kind): Step {
  const say = Object.fromEntries(dialogue.languages.map((language) => [language, ""]));
  const [slot = ""] = Object.keys(dialogue.slots ?? {});
  switch (kind) {
    case "ask": {
      const [set = ""] = Object.keys(dialogue.answers);
      const meanings = Object.keys(dialogue.answers[set] ?? {});
      return { kind, say, answers: set, next: Object.fromEntries(meanings.map((meaning) => [meaning, dialogue.give_up])) };
    }
    case "confirm":
      return { kind, slot, say, yes: dialogue.give_up, no: dialogue.start };
    case "tool":
      return { kind, tool: "request_callback", results: { ok: dialogue.give_up, other: dialogue.give_up } };
    case "tell":
      return { kind, say, next: dialogue.give_up };
    case "end":
      return { kind, say };
  }
}

export const NAME = /^[a-z][a-z0-9_]{0,59}$/;

/** A record without one of its keys. */
export function without<T>(record: Record<string, T>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}

/** A name as people read it. */
export const readable = (name: string) => name.replaceAll("_", " ");
