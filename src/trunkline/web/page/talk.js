// Talking to an agent from the page: the microphone, the socket, and where the call stands. One call at a time.
// The sound itself is in talk_worklet.js; docs/reference/browser-calls.md says what travels on the socket.

import { ApiError, get, NoAnswer, post, withdraw } from "/page/api.js";
import { h } from "/page/dom.js";
import { t, term } from "/page/i18n.js";
import { button, complaint, failure } from "/page/parts.js";

const OUTCOME_EVERY_MS = 500;
const OUTCOME_TRIES = 20;

/** What the browser calls it when there is no microphone to be had, and our sentence for it. */
const MICROPHONE = {
  NotAllowedError: "talk.not_allowed",
  NotFoundError: "talk.no_microphone",
  NotReadableError: "talk.microphone_taken",
  OverconstrainedError: "talk.no_microphone",
};

/** Refusals that have a sentence of their own. */
const REFUSED = { lines_taken: "talk.lines_taken", room_full: "talk.room_full", unusable: "talk.unusable" };

const nothing = () => ({
  phase: "idle", // idle, asking, connecting, live, ended
  agent: null,
  call: null,
  reason: null,
  complaint: null, // a sentence's key
  error: null, // the server's refusal
  sound: { isPlaying: false, played: 0, audible: 0, gaps: 0, sent: 0 },
});

let state = nothing();
let line = null;
let redraw = () => {};

export const isBusy = () => ["asking", "connecting", "live"].includes(state.phase);

/** End the call of this page, if there is one. */
export function hangUp() {
  if (!line) return;
  line.say({ event: "stop" });
  line.close();
}

/** Forget a call that is over, when the person goes elsewhere. */
export function forget() {
  hangUp();
  if (!isBusy()) state = nothing();
}

export async function talkTo(agent, app) {
  if (isBusy()) return;
  redraw = app.redraw;
  state = { ...nothing(), phase: "asking", agent };
  redraw();
  const mine = new Line();
  line = mine;
  try {
    await mine.open(agent);
  } catch (error) {
    if (line === mine) fail(error);
    mine.close();
  }
}

function fail(error) {
  if (error instanceof ApiError && REFUSED[error.code]) state.complaint = REFUSED[error.code];
  else if (error instanceof ApiError || error instanceof NoAnswer) state.error = error;
  else if (error.name in MICROPHONE) state.complaint = MICROPHONE[error.name];
  else if (error instanceof Insecure) state.complaint = "talk.insecure";
  else if (!(error instanceof Gone)) throw error;
}

/** The page came from an address at which a browser gives it no microphone. */
class Insecure extends Error {}
/** The call was given up while it was being made. */
class Gone extends Error {}

class Line {
  isClosed = false;
  /** Path of the call from when it has a line until its socket has begun it. */
  waiting = null;

  async open(agent) {
    if (!navigator.mediaDevices || !globalThis.AudioWorkletNode) throw new Insecure();
    // Made while the person's click still counts: later a browser may keep it silent.
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.microphone = this.here(await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    }));
    this.here(await this.context.audioWorklet.addModule("/page/talk_worklet.js"));
    this.here(await this.context.resume());
    this.sound = new AudioWorkletNode(this.context, "call-audio", { numberOfInputs: 1, outputChannelCount: [1] });
    this.context.createMediaStreamSource(this.microphone).connect(this.sound).connect(this.context.destination);
    this.sound.port.onmessage = ({ data }) => this.hear(data);
    state.phase = "connecting";
    redraw();
    const call = await post(`/agents/${agent}/browser-calls`);
    this.waiting = `/agents/${agent}/browser-calls/${call.call_id}`;
    if (this.isClosed) this.giveUp();
    this.here(call);
    state.call = call.call_id;
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${call.socket}`;
    this.socket = new WebSocket(address, [call.protocol, call.token]);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.say({ event: "start", encoding: "pcm16", rate: 8_000 });
    this.socket.onmessage = ({ data }) => this.take(data);
    this.socket.onclose = () => this.close();
  }

  /** Go on with this, unless the person has given the call up meanwhile. */
  here(value) {
    if (!this.isClosed) return value;
    this.silence(value instanceof MediaStream ? value : null);
    throw new Gone();
  }

  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** From the socket. */
  take(data) {
    if (data instanceof ArrayBuffer) {
      this.sound.port.postMessage({ audio: data }, [data]);
      return;
    }
    const message = JSON.parse(data);
    if (message.event === "started") {
      this.waiting = null;
      this.sound.port.postMessage({ open: true });
      state.phase = "live";
      redraw();
    } else if (message.event === "mark") {
      this.sound.port.postMessage({ mark: message.name });
    } else if (message.event === "clear") {
      this.sound.port.postMessage({ clear: true });
    } else if (message.event === "refused") {
      fail(new ApiError(0, message));
    }
  }

  /** From the audio thread. */
  hear(message) {
    if (message.frame) {
      if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(message.frame);
    } else if (message.mark !== undefined) {
      this.say({ event: "mark", name: message.mark });
    } else {
      state.sound = message;
      if (!this.isClosed) redraw();
    }
  }

  close() {
    if (this.isClosed) return;
    this.isClosed = true;
    this.socket?.close();
    this.giveUp();
    this.silence(this.microphone);
    const wasLive = state.phase === "live";
    state.phase = "ended";
    if (line === this) line = null;
    redraw();
    if (wasLive) void outcome(state.call);
    else if (this.socket && !state.complaint && !state.error) state.complaint = "talk.no_line";
  }

  /** Give back the line of a call that has not begun; without this it would be taken until the server forgets it. */
  giveUp() {
    if (!this.waiting) return;
    const path = this.waiting;
    this.waiting = null;
    withdraw(path).catch((error) => {
      // It has begun and ended meanwhile, or nobody can be told: then the server closes it by itself.
      if (!(error instanceof ApiError || error instanceof NoAnswer)) throw error;
    });
  }

  silence(microphone) {
    for (const track of microphone?.getTracks() ?? []) track.stop();
    this.sound?.port.postMessage({ close: true });
    this.sound?.disconnect();
    if (this.context && this.context.state !== "closed") void this.context.close();
  }
}

/** Ask what the call is said to have ended with, until that is written. */
async function outcome(call) {
  for (let tries = 0; tries < OUTCOME_TRIES && state.call === call; tries += 1) {
    try {
      const { end_reason: reason } = await get(`/calls/${call}`);
      if (reason) {
        if (state.call === call) state.reason = reason;
        redraw();
        return;
      }
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof NoAnswer)) throw error;
    }
    await new Promise((go) => setTimeout(go, OUTCOME_EVERY_MS));
  }
}

/** Which sentence says where the call stands, where it is not the phase's own. */
const SENTENCES = {
  live: ({ isPlaying }) => (isPlaying ? "talk.speaking" : "talk.listening"),
  ended: () => (state.call ? "talk.ended" : "talk.idle"),
};

/** The part of an agent's page where one talks to it. */
export function talkPanel(agent, app) {
  const isOurs = state.agent === agent.id;
  const phase = isOurs ? state.phase : "idle";
  const { sound } = state;
  const end = isOurs && isBusy();
  return h("section", {
    class: "card talk", id: "talk", "data-phase": phase, "data-played-ms": isOurs ? sound.played : 0,
    "data-audible-ms": isOurs ? sound.audible : 0, "data-sent-ms": isOurs ? sound.sent : 0, "data-gaps": isOurs ? sound.gaps : 0,
  },
    h("h2", {}, t("talk.title")),
    h("p", { class: "quiet" }, t("talk.intro")),
    h("p", { class: "talk-state", role: "status", "data-sounds": phase === "live" && sound.isPlaying },
      t(SENTENCES[phase]?.(sound) ?? `talk.${phase}`),
      phase === "ended" && state.reason && [" ", t("talk.reason", { reason: term("reason", state.reason) })]),
    phase === "live" && h("p", { class: "quiet" }, t("talk.keys")),
    isOurs && state.complaint && complaint(t(state.complaint)),
    isOurs && state.error && failure(state.error),
    h("div", { class: "tools" },
      end
        ? button("hang_up", t("talk.hang_up"), { class: "danger", "data-key": "hang_up" })
        : button("talk", t("talk.button"), { class: "primary", "data-key": "talk", "data-id": agent.id, disabled: !app.may("agent") }),
      phase === "ended" && state.call && h("a", { href: `#/calls/${state.call}` }, t("talk.open_call"))),
    !app.may("agent") && h("p", { class: "quiet" }, t("talk.needs_role")));
}

export const talkActs = {
  talk: ({ dataset: { id } }, app) => talkTo(id, app),
  hang_up: hangUp,
};

/** The keyboard is the telephone's. */
function press({ key, target, repeat }) {
  const isTyping = target instanceof Element && target.closest("input, select, textarea");
  if (state.phase === "live" && !repeat && !isTyping && /^[0-9*#]$/.test(key)) line.say({ event: "digit", digit: key });
}

addEventListener("keydown", press);
// A call belongs to the page on which it was begun: going elsewhere hangs up, as closing the window does.
addEventListener("hashchange", forget);
addEventListener("pagehide", hangUp);
