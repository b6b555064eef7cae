// A call from this page: the microphone, the socket, and where the call stands. One at a time, whatever page is shown.
// The sound itself is in call-audio.js; docs/reference/browser-calls.md says what travels on the socket.

import { useSyncExternalStore } from "react";
import { client, type Schema } from "@/lib/api";
import { ApiError, hasCode, NoAnswer } from "@/lib/errors";
import { msg } from "@/lib/i18n";
import audioUrl from "./call-audio.js?url";

const RATE = 8_000;
const OUTCOME_EVERY_MS = 500;
const OUTCOME_TRIES = 20;
const MICROPHONE_KEPT = "trunkline.microphone";

/** What the browser calls it when there is no microphone to be had, and our sentence for it. */
const MICROPHONE: Record<string, string> = {
  NotAllowedError: msg("talk:fault.not_allowed"),
  NotFoundError: msg("talk:fault.no_microphone"),
  NotReadableError: msg("talk:fault.microphone_taken"),
  OverconstrainedError: msg("talk:fault.no_microphone"),
};

/** Refusals that have a sentence of their own. */
const REFUSED: Record<string, string> = {
  lines_taken: msg("talk:fault.lines_taken"),
  room_full: msg("talk:fault.room_full"),
  unusable: msg("talk:fault.unusable"),
  archived: msg("talk:fault.archived"),
};

export type Phase = "idle" | "asking" | "connecting" | "live" | "ended";

/** Something of the conversation, as the server tells it while it goes on. */
export interface Told {
  sequence: number;
  kind: "agent_said" | "caller_said" | "digits" | "tool_used" | "latency" | "trouble";
  data: Record<string, string | number | boolean | undefined>;
}

export interface Sound {
  isPlaying: boolean;
  /** Milliseconds of the agent's voice played, of them not silent, and of ours sent. */
  played: number;
  audible: number;
  sent: number;
  gaps: number;
  /** How loud the microphone and the agent were lately, 0 to 1. */
  heard: number;
  said: number;
}

export interface CallState {
  phase: Phase;
  agentId: string | null;
  callId: string | null;
  startedAt: number | null;
  reason: string | null;
  /** A sentence's key. */
  complaint: string | null;
  /** The server's refusal, where we have no sentence for it. */
  error: unknown;
  muted: boolean;
  told: Told[];
  sound: Sound;
}

const silence: Sound = { isPlaying: false, played: 0, audible: 0, sent: 0, gaps: 0, heard: 0, said: 0 };
const nothing: CallState = {
  phase: "idle",
  agentId: null,
  callId: null,
  startedAt: null,
  reason: null,
  complaint: null,
  error: null,
  muted: false,
  told: [],
  sound: silence,
};

let state = nothing;
let line: Line | null = null;
const watchers = new Set<() => void>();

function become(change: Partial<CallState>): void {
  state = { ...state, ...change };
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => void watchers.delete(watcher);
}

/** Where the call of this page stands. */
export function useCall(): CallState {
  return useSyncExternalStore(watch, () => state);
}

export const isBusy = (phase: Phase) => phase === "asking" || phase === "connecting" || phase === "live";

export const keptMicrophone = () => localStorage.getItem(MICROPHONE_KEPT) ?? "";

/** Use this microphone from the next call on; empty: the usual one. */
export function keepMicrophone(deviceId: string): void {
  localStorage.setItem(MICROPHONE_KEPT, deviceId);
}

/** End the call of this page, if there is one. */
export function hangUp(): void {
  line?.say({ event: "stop" });
  line?.close();
}

/** Hang up, and forget what the call was: whoever leaves an agent's page. */
export function leave(): void {
  hangUp();
  become(nothing);
}

export function mute(muted: boolean): void {
  line?.mute(muted);
  become({ muted });
}

export function press(key: string): void {
  if (state.phase === "live") line?.say({ event: "digit", digit: key });
}

export async function talkTo(agentId: string): Promise<void> {
  if (isBusy(state.phase)) return;
  become({ ...nothing, phase: "asking", agentId });
  const mine = new Line();
  line = mine;
  try {
    await mine.open(agentId);
  } catch (error) {
    if (line === mine) fail(error);
    mine.close();
  }
}

function fail(error: unknown): void {
  if (error instanceof Gone) return;
  const complaint =
    error instanceof Insecure
      ? msg("talk:fault.insecure")
      : error instanceof ApiError
        ? REFUSED[error.code]
        : error instanceof DOMException
          ? MICROPHONE[error.name]
          : undefined;
  become(complaint ? { complaint } : { error });
}

/** The page came from an address at which a browser gives it no microphone. */
class Insecure extends Error {}
/** The call was given up while it was being made. */
class Gone extends Error {}

class Line {
  private isClosed = false;
  /** The call, from when it has a line until its socket has begun it. */
  private waiting: { agent_id: string; call_id: string } | null = null;
  private context: AudioContext | null = null;
  private microphone: MediaStream | null = null;
  private sound: AudioWorkletNode | null = null;
  private socket: WebSocket | null = null;

  async open(agentId: string): Promise<void> {
    if (!("mediaDevices" in navigator) || !("AudioWorkletNode" in globalThis)) throw new Insecure();
    // Made while the person's click still counts: later a browser may keep it silent.
    const context = new AudioContext({ latencyHint: "interactive" });
    this.context = context;
    this.microphone = this.here(await microphone());
    await context.audioWorklet.addModule(audioUrl);
    this.here(null);
    await context.resume();
    this.here(null);
    const sound = new AudioWorkletNode(context, "call-audio", { numberOfInputs: 1, outputChannelCount: [1] });
    this.sound = sound;
    context.createMediaStreamSource(this.microphone).connect(sound).connect(context.destination);
    sound.port.onmessage = ({ data }: MessageEvent<FromSound>) => this.hear(data);
    become({ phase: "connecting" });
    const { data: call } = await client.POST("/api/agents/{agent_id}/browser-calls", {
      params: { path: { agent_id: agentId } },
    });
    if (!call) throw new NoAnswer("The call was not told of.");
    this.waiting = { agent_id: agentId, call_id: call.call_id };
    if (this.isClosed) this.giveUp();
    this.here(null);
    become({ callId: call.call_id });
    this.connect(call);
  }

  private connect(call: Schema<"BrowserCallOut">): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${call.socket}`, [call.protocol, call.token]);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.say({ event: "start", encoding: "pcm16", rate: RATE });
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.take(data);
    socket.onclose = () => this.close();
  }

  /** Go on with this, unless the person has given the call up meanwhile. */
  private here<T>(value: T): T {
    if (!this.isClosed) return value;
    this.silence(value instanceof MediaStream ? value : this.microphone);
    throw new Gone();
  }

  say(message: Record<string, string | number>): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  mute(muted: boolean): void {
    this.sound?.port.postMessage({ mute: muted });
  }

  /** From the socket. */
  private take(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      this.sound?.port.postMessage({ audio: data }, [data]);
      return;
    }
    const message = JSON.parse(data) as FromServer;
    if (message.event === "started") {
      this.waiting = null;
      this.sound?.port.postMessage({ open: true });
      become({ phase: "live", startedAt: Date.now() });
    } else if (message.event === "mark") {
      this.sound?.port.postMessage({ mark: message.name });
    } else if (message.event === "clear") {
      this.sound?.port.postMessage({ clear: true });
    } else if (message.event === "told") {
      become({ told: [...state.told, { sequence: message.sequence, kind: message.kind, data: message.data }] });
    } else if (message.event === "refused") {
      fail(new ApiError(0, message.code, message.message));
    }
  }

  /** From the audio thread. */
  private hear(message: FromSound): void {
    if ("frame" in message) {
      if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(message.frame);
    } else if ("mark" in message) {
      this.say({ event: "mark", name: message.mark });
    } else if (!this.isClosed) {
      become({ sound: message });
    }
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.socket?.close();
    this.giveUp();
    this.silence(this.microphone);
    if (line !== this) return;
    line = null;
    const { phase, callId, complaint, error } = state;
    const lost = phase === "connecting" && this.socket !== null && !complaint && !error;
    become({
      phase: "ended",
      sound: { ...state.sound, isPlaying: false, heard: 0, said: 0 },
      ...(lost && { complaint: msg("talk:fault.no_line") }),
    });
    if (phase === "live" && callId) void outcome(callId);
  }

  /** Give back the line of a call that has not begun; without this it would be taken until the server forgets it. */
  private giveUp(): void {
    if (!this.waiting) return;
    const path = this.waiting;
    this.waiting = null;
    // Also while the page is being left. Where it has begun and ended meanwhile, or nobody can be told, the
    // server closes it by itself.
    client
      .DELETE("/api/agents/{agent_id}/browser-calls/{call_id}", { params: { path }, keepalive: true })
      .catch((error: unknown) => {
        if (!(error instanceof ApiError || error instanceof NoAnswer)) throw error;
      });
  }

  private silence(from: MediaStream | null): void {
    for (const track of from?.getTracks() ?? []) track.stop();
    this.sound?.port.postMessage({ close: true });
    this.sound?.disconnect();
    if (this.context && this.context.state !== "closed") void this.context.close();
  }
}

type FromSound = { frame: ArrayBuffer } | { mark: string } | Sound;

type FromServer =
  | { event: "started" | "clear" | "end" }
  | { event: "mark"; name: string }
  | { event: "refused"; code: string; message: string }
  | ({ event: "told" } & Told);

/** Ask for the microphone that was chosen; one that is gone gives way to the usual one. */
async function microphone(): Promise<MediaStream> {
  const wish = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const deviceId = keptMicrophone();
  if (!deviceId) return navigator.mediaDevices.getUserMedia({ audio: wish });
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { ...wish, deviceId: { exact: deviceId } } });
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== "OverconstrainedError") throw error;
    keepMicrophone("");
    return navigator.mediaDevices.getUserMedia({ audio: wish });
  }
}

/** Ask what the call is said to have ended with, until that is written. */
async function outcome(callId: string): Promise<void> {
  for (let tries = 0; tries < OUTCOME_TRIES && state.callId === callId; tries += 1) {
    try {
      const { data } = await client.GET("/api/calls/{call_id}", { params: { path: { call_id: callId } } });
      if (data?.end_reason) {
        if (state.callId === callId) become({ reason: data.end_reason });
        return;
      }
    } catch (error) {
      if (!(error instanceof NoAnswer) && !hasCode(error, "not_found")) throw error;
    }
    await new Promise((go) => setTimeout(go, OUTCOME_EVERY_MS));
  }
}

/** Keys of the keyboard are the telephone's while a call is live and nobody writes. */
addEventListener("keydown", ({ key, target, repeat, ctrlKey, metaKey, altKey }) => {
  const writes = target instanceof Element && target.closest("input, select, textarea, [contenteditable]");
  if (!repeat && !writes && !ctrlKey && !metaKey && !altKey && /^[0-9*#]$/.test(key)) press(key);
});
// Closing the window hangs up.
addEventListener("pagehide", hangUp);
