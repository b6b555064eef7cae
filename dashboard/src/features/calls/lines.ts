// A call's events as the lines of its transcript, each with the moment at which it began to sound.

import type { Schema } from "@/lib/api";

export type CallEvent = Schema<"CallEventOut">;
export type Act = Schema<"ControlOut">;

/** What was measured of an answer, in milliseconds, from the caller's last sound to their ear. */
export interface Latency {
  leg: number;
  turn: number;
  reply_ms?: number;
  greeting_ms?: number;
  endpoint_ms?: number;
  transcript_ms?: number;
  first_token_ms?: number;
  first_audio_ms?: number;
  on_the_wire_ms?: number;
  /** Until the other side's own ear, where it tells of that. */
  heard_ms?: number;
  /** When the answer began to sound. */
  began_at: string;
}

interface Base {
  key: string;
  leg: number;
  /** When it began. */
  at: string;
}

export type Line = Base &
  (
    | { kind: "agent"; text: string; heard: string; interrupted: boolean; resumed: boolean; unheard?: Unheard; latency?: Latency }
    | { kind: "caller"; text: string; silent: boolean; machine: boolean }
    | { kind: "tool"; name: string; ok: boolean; asked: unknown; answered: unknown; ms: number }
    | { kind: "digits"; text: string }
    | { kind: "note"; name: string; value: string }
    | { kind: "machine"; by: string }
    | { kind: "message"; text: string }
    | { kind: "trouble"; what: string; detail: string }
    | { kind: "act"; act: Act }
    | { kind: "left" }
    | { kind: "back" }
    | { kind: "ended"; reason: string }
  );

/** Why words were not heard: the caller spoke first, they could not be voiced, or the agent was off the line. */
export type Unheard = "caller" | "voice" | "end";

/** What the transcript needs of a call. */
export type Told = Pick<Schema<"CallDetail">, "events" | "answered_at" | "ended_at" | "finalized_at" | "away" | "end_reason">;

export const isSpoken = (line: Line): boolean => line.kind === "agent" || line.kind === "caller";

const text = (value: unknown): string => (typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value));
const turnOf = (event: CallEvent): string => `${event.leg}.${text(event.data.turn)}`;

/** What was measured, by stretch and turn; what tells of clearing a line belongs to another question. */
export function latenciesOf(events: CallEvent[]): Map<string, Latency> {
  const found = new Map<string, Latency>();
  for (const event of events) {
    const of = turnOf(event);
    if (event.kind === "latency" && event.data.clear_ms === undefined) {
      found.set(of, { ...found.get(of), ...(event.data as object), leg: event.leg, turn: Number(event.data.turn), began_at: event.at });
    }
    const latency = found.get(of);
    if (event.kind === "agent_said" && latency && typeof event.data.heard_ms === "number") latency.heard_ms = event.data.heard_ms;
  }
  return found;
}

/** Troubles that the transcript tells as a silent turn of the caller. */
const TOLD_ANYWAY = new Set(["silence", "long_silence"]);

const wordsOf = (said: unknown): string => text(said).split(/\s+/).filter(Boolean).join(" ");

/** Why not all of what the agent said was heard; undefined where all was. */
function unheardOf({ leg, data }: CallEvent, unvoiced: CallEvent[]): Unheard | undefined {
  if (data.heard_text === undefined || wordsOf(data.heard_text) === wordsOf(data.text)) return undefined;
  const isUnvoiced = (of: CallEvent) => of.leg === leg && Boolean(of.data.text) && text(data.text).includes(text(of.data.text));
  if (unvoiced.some(isUnvoiced)) return "voice";
  return data.interrupted ? "caller" : "end";
}

/**
 * What happened in a call, in its order. An agent's part may end and begin again while the call goes on: its last end
 * is the call's own only where the call's record says so.
 */
export function linesOf(call: Told, acts: Act[]): Line[] {
  const { events } = call;
  const lastLeg = events.reduce((most, { leg }) => Math.max(most, leg), 1);
  const unvoiced = events.filter(({ kind, data }) => kind === "trouble" && data.what === "voice_failed");
  const endedWithIt = ({ leg }: CallEvent) => Boolean(call.finalized_at) && !call.away && leg === lastLeg;
  const ended = { kind: "ended", reason: call.end_reason ?? "" } as const;
  const latencies = latenciesOf(events);
  const lines: Line[] = [];
  /** When the agent was last heard out, in the stretch at hand: from then on the caller has the word. */
  let quietSince: { leg: number; at: string } | null = null;
  for (const event of events) {
    const { data, leg, at } = event;
    const base = { key: String(event.sequence), leg };
    switch (event.kind) {
      case "agent_said": {
        const latency = data.resumed ? undefined : latencies.get(turnOf(event));
        const began = latency?.began_at ?? (quietSince?.leg === leg ? quietSince.at : at);
        const said = {
          text: text(data.text), heard: text(data.heard_text ?? data.text), interrupted: Boolean(data.interrupted),
          resumed: Boolean(data.resumed), unheard: unheardOf(event, unvoiced),
        };
        lines.push({ ...base, at: began, kind: "agent", ...said, latency });
        quietSince = { leg, at };
        break;
      }
      case "caller_said": {
        const began = quietSince?.leg === leg && quietSince.at < at ? quietSince.at : at;
        const said = { text: text(data.text), silent: data.kind === "silence", machine: data.kind === "machine" };
        lines.push({ ...base, at: began, kind: "caller", ...said });
        break;
      }
      case "tool_used":
        lines.push({
          ...base, at, kind: "tool", name: text(data.name), ok: Boolean(data.ok), asked: data.arguments, answered: data.data,
          ms: Number(data.ms),
        });
        break;
      case "digits":
        lines.push({ ...base, at, kind: "digits", text: text(data.digits) });
        break;
      case "note":
        lines.push({ ...base, at, kind: "note", name: text(data.name), value: text(data.value) });
        break;
      case "machine_found":
        lines.push({ ...base, at, kind: "machine", by: text(data.by) });
        break;
      case "message_left":
        lines.push({ ...base, at, kind: "message", text: text(data.heard_text) || text(data.text) });
        break;
      case "trouble":
        if (!TOLD_ANYWAY.has(text(data.what))) {
          lines.push({ ...base, at, kind: "trouble", what: text(data.what), detail: text(data.detail) });
        }
        break;
      case "started":
        if (leg > 1) lines.push({ ...base, at, kind: "back" });
        break;
      case "ended":
        lines.push({ ...base, at, ...(endedWithIt(event) ? ended : { kind: "left" }) });
        break;
    }
  }
  for (const act of acts) lines.push({ key: act.id, leg: 0, at: act.created_at, kind: "act", act });
  if (call.answered_at && call.ended_at && call.finalized_at && !lines.some(({ kind }) => kind === "ended")) {
    lines.push({ key: "ended", leg: 0, at: call.ended_at, ...ended });
  }
  return lines
    .map((line, index) => ({ line, index, at: Date.parse(line.at) }))
    .sort((one, other) => one.at - other.at || one.index - other.index)
    .map(({ line }) => line);
}

/** What of a text was heard and what was not, in its order. */
export function heardOf(said: string, heard: string): { text: string; isHeard: boolean }[] {
  const left = heard.split(/\s+/).filter(Boolean);
  const pieces: { text: string; isHeard: boolean }[] = [];
  for (const word of said.split(/\s+/).filter(Boolean)) {
    const isHeard = left[0] === word;
    if (isHeard) left.shift();
    const last = pieces.at(-1);
    if (last && last.isHeard === isHeard) last.text += ` ${word}`;
    else pieces.push({ text: word, isHeard });
  }
  return pieces;
}

/** The spoken line that sounds at a moment of a stretch's recording; undefined before the first. */
export function lineAt(lines: Line[], leg: number, beganAt: string, seconds: number): Line | undefined {
  const moment = Date.parse(beganAt) + seconds * 1000;
  return lines.findLast((line) => line.leg === leg && isSpoken(line) && Date.parse(line.at) <= moment + 50);
}
