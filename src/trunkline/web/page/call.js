// One call: its facts and its transcript, with what was not heard struck out.
// An agent's part may end and begin again while the call goes on; its end is the call's own where the record says so.

import { get } from "/page/api.js";
import { controlActs, controlLines, controls } from "/page/call_control.js";
import { agentName, everyLead } from "/page/book.js";
import { cameTo, direction, isOpen, talked } from "/page/calls.js";
import { fill, h, phone, theirs } from "/page/dom.js";
import { clock, number, t, term, when } from "/page/i18n.js";
import { table, zoneNote } from "/page/parts.js";

/** Troubles that the transcript tells as a silent turn of the caller. */
const TOLD_ANYWAY = new Set(["silence", "long_silence"]);

/** The stages of an answer, in their order and by the names that they have in the metrics. */
const PARTS = ["endpoint", "transcript", "first_token", "first_audio", "on_the_wire"];

/** `reply` is all but the last before it together. */
const STAGES = [...PARTS, "heard", "reply"];

let showsMeasures = true;

export const callView = {
  title: ({ call }) => t("call.title", { number: call.theirs }),
  follows: (kind) => kind.startsWith("call."),
  isBusy: ({ call }) => isOpen(call) || !call.finalized_at,

  async load(id) {
    const call = await get(`/calls/${id}`);
    const [leads, done, possible] = await Promise.all([
      everyLead([call.lead_id]), get(`/calls/${id}/controls`), call.state === "live" ? get(`/calls/${id}/controls/possible`) : [],
    ]);
    return { call, done, possible, lead: leads.get(call.lead_id), agent: await agentName(call.agent_id) };
  },

  draw(data, app) {
    const { call, done, possible } = data;
    const said = transcript(call, done);
    return [
      h("p", {}, h("a", { href: "#/calls" }, t("back.calls"))),
      h("header", { class: "heading" },
        h("h1", { tabindex: -1 }, fill(t("call.title"), { number: phone(call.theirs) })), h("div", { class: "tools" }, cameTo(call))),
      zoneNote(),
      facts(data),
      possible.length > 0 && app.may("agent") && controls(call, possible),
      h("div", { class: "line" },
        h("h2", { class: "grow" }, t("call.transcript")),
        h("label", { class: "check" }, h("input", { type: "checkbox", "data-act": "measures", checked: showsMeasures }), t("call.measures"))),
      said.length === 0
        ? h("p", { class: "quiet" }, t(isOpen(call) ? "call.not_yet" : "call.silent"))
        : h("ol", { class: "transcript plain", "data-measures": showsMeasures ? "shown" : "hidden" }, said),
      struckNotes(call.events).map((key) => h("p", { class: "quiet" }, t(key))),
      showsMeasures && stages(call.events),
    ];
  },

  acts: {
    ...controlActs,
    measures(element, app) {
      showsMeasures = element.checked;
      app.redraw();
    },
  },
};

function facts({ call, lead, agent }) {
  const rows = [
    ["calls.direction", direction(call.direction)],
    ["call.lead", lead?.name && theirs(lead.name)],
    ["call.agent", agent && theirs(agent)],
    ["call.ours", call.ours && phone(call.ours)],
    ["call.by", call.carrier === "browser" && t("call.in_browser")],
    ["call.rang", when(call.created_at)],
    ["call.answered", call.answered_at && when(call.answered_at)],
    ["call.ended", call.ended_at && when(call.ended_at)],
    ["call.talked", call.answered_at && talked(call)],
    ["call.answered_by", call.answered_by && t(`answered_by.${call.answered_by}`)],
    ["call.end_reason", call.end_reason && term("reason", call.end_reason)],
  ];
  return h("dl", { class: "facts card" },
    rows.filter(([, value]) => value).map(([key, value]) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, value))));
}

/** Each leg counts its turns from 1. */
const turnOf = ({ leg, data }) => `${leg}.${data.turn}`;

/** What was measured of each turn of the agent, by its leg and number, and when it began to sound. */
function latenciesOf(events) {
  const latencies = new Map();
  const add = (event, measured) => latencies.set(turnOf(event), { ...latencies.get(turnOf(event)), ...measured });
  for (const event of events) {
    const { kind, at, leg, data } = event;
    if (kind === "latency") add(event, { ...data, leg, ...(data.clear_ms === undefined && { began_at: at }) });
    if (kind === "agent_said" && data.heard_ms !== undefined) add(event, { heard_ms: data.heard_ms });
  }
  return latencies;
}

/** The way of each answer from the caller's last sound to their ear, stage by stage. */
function stages(events) {
  const measured = [...latenciesOf(events)].filter(([, latency]) => latency.reply_ms !== undefined);
  if (measured.length === 0) return null;
  const cameBack = lastLeg(events) > 1;
  const ms = (value) => (value === undefined ? "–" : number(Math.round(value)));
  const columns = ["turn", ...STAGES].map((stage) => t(`stages.${stage}`));
  const rows = measured.map(([key, latency]) => (
    { key: `stages-${key}`, cells: [cameBack ? phone(key) : number(latency.turn), ...STAGES.map((stage) => ms(latency[`${stage}_ms`]))] }));
  return h("section", { class: "stages" },
    h("h2", {}, t("stages.title")), table(t("stages.title"), columns, rows),
    h("p", { class: "quiet" }, t("stages.note"), cameBack && [" ", t("stages.note_legs")]));
}

/** Of all that was told of the agent's stretches, the last one's number. */
const lastLeg = (events) => events.reduce((most, { leg }) => Math.max(most, leg), 1);

function transcript(call, done) {
  const { events } = call;
  const latencies = latenciesOf(events);
  const acts = controlLines(done);
  const shown = [];
  for (const event of events) {
    const at = beganAt(event, latencies);
    const next = line(event, at, call, latencies);
    if (!next) continue;
    // Of what happened at the same instant, what was said comes first.
    while (acts.length > 0 && Date.parse(acts[0][0]) < Date.parse(at)) shown.push(acts.shift()[1]);
    shown.push(next);
  }
  shown.push(...acts.map(([, act]) => act));
  if (shown.length > 0 && call.answered_at && call.finalized_at && !events.some((event) => endsCall(event, call))) {
    shown.push(row("aside", { key: "end", kind: "call_ended", at: call.ended_at }, ending(call)));
  }
  return shown;
}

/** What the agent said is told when it is over, and stands where it began. */
const beganAt = (event, latencies) =>
  (event.kind === "agent_said" && !event.data.resumed && latencies.get(turnOf(event))?.began_at) || event.at;

/** Whether the call was over with this end of the agent's part. The call's own record says so, and why. */
const endsCall = ({ kind, leg }, { events, away, finalized_at: closed }) =>
  kind === "ended" && Boolean(closed) && !away && leg === lastLeg(events);

const ending = (call) => fill(t("said.ended"), { reason: term("reason", call.end_reason) });

const row = (speaker, { key, kind, at }, ...children) =>
  h("li", { class: `said ${speaker}`, "data-key": String(key), "data-kind": kind },
    h("time", { class: "quiet number", datetime: at }, clock(at)), h("div", { class: "what" }, children));

function line(event, at, call, latencies) {
  const { sequence, kind, leg, data } = event;
  const told = (speaker, ...children) => row(speaker, { key: sequence, kind, at }, ...children);
  switch (kind) {
    case "agent_said":
      return told("agent", bubble(t("said.agent"), words(data), [
        data.interrupted && h("span", { class: "mark" }, t("said.interrupted")),
        data.resumed && h("span", { class: "mark" }, t("said.resumed")),
        measures(latencies.get(turnOf(event))),
      ]));
    case "caller_said":
      if (data.kind === "silence") return told("aside", t("said.silence"));
      if (data.kind === "machine") return told("aside", fill(t("said.machine"), { text: theirs(data.text) }));
      return told("caller", bubble(t("said.caller"), theirs(data.text)));
    case "digits":
      return told("caller", bubble(t("said.caller"), fill(t("said.digits"), { digits: phone(data.digits) })));
    case "note":
      return told("aside", fill(t("said.note"), { name: term("note", data.name), value: noted(data) }));
    case "machine_found":
      return told("aside", fill(t("said.machine_found"), { by: t(`found_by.${data.by}`), action: t(`on_machine.${data.action}`) }));
    case "message_left":
      return told("aside", t("said.message_left"));
    case "tool_used":
      return told("aside", tool(data));
    case "trouble":
      if (TOLD_ANYWAY.has(data.what)) return null;
      return told("aside trouble", fill(t("said.trouble"), { what: term("trouble", data.what) }),
        data.detail && h("span", { class: "quiet" }, " ", theirs(data.detail)));
    case "started":
      return told("aside", t(leg > 1 ? "said.agent_back" : "said.started"));
    case "ended":
      return told("aside", endsCall(event, call) ? ending(call) : t("said.agent_left"));
    default:
      return null;
  }
}

const bubble = (who, text, marks = []) =>
  h("div", { class: "bubble" }, h("span", { class: "who" }, who), h("p", { dir: "auto" }, text), h("div", { class: "marks" }, marks));

const noted = ({ name, value }) => theirs(name === "disposition" ? term("disposition", value) : plain(value));

const isStruck = ({ kind, data }) => kind === "agent_said" && data.heard_text !== undefined && data.text.split(/\s+/).join(" ") !== data.heard_text.split(/\s+/).join(" ");

/** Why words are struck, by the keys of the sentences that say it. */
function struckNotes(events) {
  const unvoiced = events.filter(({ kind, data }) => kind === "trouble" && data.what === "voice_failed");
  const why = ({ leg, data }) => {
    if (unvoiced.some((trouble) => trouble.leg === leg && trouble.data.text && data.text.includes(trouble.data.text))) return "call.struck_unvoiced";
    return data.interrupted ? "call.struck_note" : "call.struck_by_end";
  };
  return [...new Set(events.filter(isStruck).map(why))];
}

/**
 * What the agent set out to say, with what the caller did not hear struck out. The heard words stand in
 * the text in their order, so walking along both finds the unheard ones.
 */
function words({ text, heard_text: heard = text }) {
  const left = heard.split(/\s+/).filter(Boolean);
  const pieces = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const isHeard = left[0] === word;
    if (isHeard) left.shift();
    const last = pieces.at(-1);
    if (last?.isHeard === isHeard) last.words.push(word);
    else pieces.push({ isHeard, words: [word] });
  }
  return pieces.map(({ isHeard, words: run }, at) => [
    at > 0 && " ",
    isHeard ? run.join(" ") : h("s", { title: t("said.unheard") }, run.join(" ")),
  ]);
}

function measures(latency) {
  if (!latency) return null;
  const ms = (value) => number(Math.round(value));
  const shown = [];
  if (latency.greeting_ms !== undefined) shown.push(h("span", {}, t("said.greeting", { ms: ms(latency.greeting_ms) })));
  if (latency.reply_ms !== undefined) {
    const parts = PARTS.filter((stage) => latency[`${stage}_ms`] !== undefined)
      .map((stage) => t("said.reply_part", { stage: t(`stages.${stage}`), ms: ms(latency[`${stage}_ms`]) }));
    shown.push(h("details", {}, h("summary", {}, t("said.reply", { ms: ms(latency.reply_ms) })), h("span", {}, parts.join(", "))));
  }
  if (latency.clear_ms !== undefined) shown.push(h("span", {}, t("said.cleared", { ms: number(latency.clear_ms) })));
  return h("span", { class: "measures" }, shown);
}

function tool({ name, ok, arguments: asked, data, ms }) {
  return [
    h("span", { class: ok ? "ok" : "warning" }, fill(t(ok ? "said.tool_ok" : "said.tool_failed"), { name: term("tool", name) })),
    h("span", { class: "measures" }, " ", t("said.took", { ms: number(Math.round(ms)) })),
    h("details", {}, h("summary", {}, t("said.tool_details")),
      h("pre", { dir: "ltr", tabindex: 0 }, JSON.stringify(asked, null, 1), "\n", JSON.stringify(data, null, 1))),
  ];
}

const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));
