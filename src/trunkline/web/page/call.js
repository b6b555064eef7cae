// One call: its facts and its transcript, with what was not heard struck out.

import { get } from "/page/api.js";
import { controlActs, controlLines, controls } from "/page/call_control.js";
import { agentName, everyLead } from "/page/book.js";
import { cameTo, direction, isOpen, talked } from "/page/calls.js";
import { fill, h, phone, theirs } from "/page/dom.js";
import { clock, number, t, term, when } from "/page/i18n.js";
import { table, zoneNote } from "/page/parts.js";

/** Troubles that the transcript tells as a silent turn of the caller. */
const TOLD_ANYWAY = new Set(["silence", "long_silence"]);

/** Of an answer, in their order; `reply` is all but the last together. */
const STAGES = ["endpoint", "transcript", "thought", "voice", "wire", "heard", "reply"];

let showsMeasures = true;

export const callView = {
  title: ({ call }) => t("call.title", { number: call.theirs }),
  follows: (kind) => kind.startsWith("call."),
  isBusy: ({ call }) => isOpen(call) || !call.finalized_at,

  async load(id) {
    const call = await get(`/calls/${id}`);
    const [leads, done] = await Promise.all([everyLead([call.lead_id]), get(`/calls/${id}/controls`)]);
    return { call, done, lead: leads.get(call.lead_id), agent: await agentName(call.agent_id) };
  },

  draw(data, app) {
    const { call, done } = data;
    const said = transcript(call.events, done);
    return [
      h("p", {}, h("a", { href: "#/calls" }, t("back.calls"))),
      h("header", { class: "heading" },
        h("h1", { tabindex: -1 }, fill(t("call.title"), { number: phone(call.theirs) })), h("div", { class: "tools" }, cameTo(call))),
      zoneNote(),
      facts(data),
      call.state === "live" && app.may("agent") && controls(call, done),
      h("div", { class: "line" },
        h("h2", { class: "grow" }, t("call.transcript")),
        h("label", { class: "check" }, h("input", { type: "checkbox", "data-act": "measures", checked: showsMeasures }), t("call.measures"))),
      said.length === 0
        ? h("p", { class: "quiet" }, t(isOpen(call) ? "call.not_yet" : "call.silent"))
        : h("ol", { class: "transcript plain", "data-measures": showsMeasures ? "shown" : "hidden" }, said),
      call.events.some(isStruck) && h("p", { class: "quiet" }, t("call.struck_note")),
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

/** What was measured of each turn of the agent, by the turn's number. */
function latenciesOf(events) {
  const latencies = new Map();
  for (const { kind, data } of events) {
    if (kind === "latency") latencies.set(data.turn, { ...latencies.get(data.turn), ...data });
    if (kind === "agent_said" && data.heard_ms !== undefined) latencies.set(data.turn, { ...latencies.get(data.turn), heard_ms: data.heard_ms });
  }
  return latencies;
}

/** The way of each answer from the caller's last sound to their ear, stage by stage. */
function stages(events) {
  const measured = [...latenciesOf(events)].filter(([, latency]) => latency.reply_ms !== undefined);
  if (measured.length === 0) return null;
  const ms = (value) => (value === undefined ? "–" : number(Math.round(value)));
  const columns = ["turn", ...STAGES].map((stage) => t(`stages.${stage}`));
  const rows = measured.map(([turn, latency]) => (
    { key: `stages-${turn}`, cells: [number(turn), ...STAGES.map((stage) => ms(latency[`${stage}_ms`]))] }));
  return h("section", { class: "stages" },
    h("h2", {}, t("stages.title")), table(t("stages.title"), columns, rows), h("p", { class: "quiet" }, t("stages.note")));
}

function transcript(events, done) {
  const latencies = latenciesOf(events);
  const lines = events.map((event) => [event.at, line(event, latencies)]).filter(([, shown]) => shown);
  // Of what happened at the same instant, what was said comes first.
  return [...lines, ...controlLines(done)].sort(([one], [other]) => Date.parse(one) - Date.parse(other)).map(([, shown]) => shown);
}

function line({ sequence, kind, at, data }, latencies) {
  const row = (speaker, ...children) =>
    h("li", { class: `said ${speaker}`, "data-key": String(sequence), "data-kind": kind },
      h("time", { class: "quiet number", datetime: at }, clock(at)), h("div", { class: "what" }, children));
  switch (kind) {
    case "agent_said":
      return row("agent", bubble(t("said.agent"), words(data), [
        data.interrupted && h("span", { class: "mark" }, t("said.interrupted")),
        data.resumed && h("span", { class: "mark" }, t("said.resumed")),
        measures(latencies.get(data.turn)),
      ]));
    case "caller_said":
      if (data.kind === "silence") return row("aside", t("said.silence"));
      if (data.kind === "machine") return row("aside", fill(t("said.machine"), { text: theirs(data.text) }));
      return row("caller", bubble(t("said.caller"), theirs(data.text)));
    case "digits":
      return row("caller", bubble(t("said.caller"), fill(t("said.digits"), { digits: phone(data.digits) })));
    case "note":
      return row("aside", fill(t("said.note"), { name: term("note", data.name), value: noted(data) }));
    case "machine_found":
      return row("aside", fill(t("said.machine_found"), { by: t(`found_by.${data.by}`), action: t(`on_machine.${data.action}`) }));
    case "message_left":
      return row("aside", t("said.message_left"));
    case "tool_used":
      return row("aside", tool(data));
    case "trouble":
      if (TOLD_ANYWAY.has(data.what)) return null;
      return row("aside trouble", fill(t("said.trouble"), { what: term("trouble", data.what) }),
        data.detail && h("span", { class: "quiet" }, " ", theirs(data.detail)));
    case "started":
      return row("aside", t("said.started"));
    case "ended":
      return row("aside", fill(t("said.ended"), { reason: term("reason", data.reason) }));
    default:
      return null;
  }
}

const bubble = (who, text, marks = []) =>
  h("div", { class: "bubble" }, h("span", { class: "who" }, who), h("p", { dir: "auto" }, text), h("div", { class: "marks" }, marks));

const noted = ({ name, value }) => theirs(name === "disposition" ? term("disposition", value) : plain(value));

const isStruck = ({ kind, data }) => kind === "agent_said" && data.heard_text !== undefined && data.text.split(/\s+/).join(" ") !== data.heard_text.split(/\s+/).join(" ");

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
    const parts = t("said.reply_parts", {
      endpoint: ms(latency.endpoint_ms), transcript: ms(latency.transcript_ms), thought: ms(latency.thought_ms),
      voice: ms(latency.voice_ms), wire: ms(latency.wire_ms),
    });
    shown.push(h("details", {}, h("summary", {}, t("said.reply", { ms: ms(latency.reply_ms) })), h("span", {}, parts)));
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
