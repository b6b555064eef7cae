// Staying current. One event stream says what changed in the business; pages ask again for what they show.
// It listens while the page is visible, goes on behind the last event it heard, and while it is broken it asks
// the feed instead, more and more rarely. Knows no view and no cache.

import { useEffect, useSyncExternalStore } from "react";
import { addressed, client, onAnswer, type ApiPath, type Schema } from "@/lib/api";
import { ApiError, NoAnswer } from "@/lib/errors";

export interface LiveEvent {
  kind: string;
  subject_id: string | null;
  actor: string;
  data: Record<string, unknown>;
  at: string;
}

/** How far a run is, as the stream tells it. */
export interface RunProgress {
  run_id: string;
  state: string;
  over: boolean;
  progress: Schema<"ProgressOut">;
}

/**
 * What to ask again for when an event comes: its kind, or the beginning of it with a dot at the end, to paths of
 * the API. Everything below a path is meant too. `{ path, subject }` means only the one whose path parameter
 * of this name is the event's subject.
 */
export type LiveTable = Record<string, LiveTarget[]>;
/** `alone`: nothing below the path is meant. */
export type LiveTarget = ApiPath | { path: ApiPath; subject?: string; alone?: boolean };

/** The kind under which a change of a run's figures goes through the table; its subject is the run. */
export const PROGRESS = "run.progressed";

/** What is said in a call: many a second, so tables hear of it only by its whole name, as of `PROGRESS`. */
export const TURN = "call.turn";

const SOON_MS = 200;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 8_000;
const PAGE = 500;
/** So long unseen, what has happened is not told one by one: pages ask again for all they show. */
const LONG_AGO_MS = 60_000;
/** The server says something every 15 seconds; after so long a silence the connection is dead. */
const SILENCE_MS = 40_000;

type Hear = (events: LiveEvent[], all: boolean) => void;

/**
 * The business's stream for as long as it is open. `cursor` is behind which event the pages' first answers are: what
 * happens while the stream opens is told by it. `hear(events, all)`: `all` when something may have been missed.
 */
export class Live {
  private stream: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waiting: LiveEvent[] = [];
  private wait = FIRST_WAIT_MS;
  private stopped = false;
  private asking = false;
  private ended = false;
  private unseenSince: number | null = null;
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private cursor: string,
    private readonly hear: Hear,
  ) {
    document.addEventListener("visibilitychange", this.settle);
    awayWatchers.add(this.noticed);
    this.settle();
  }

  close(): void {
    this.stopped = true;
    document.removeEventListener("visibilitychange", this.settle);
    awayWatchers.delete(this.noticed);
    clearTimeout(this.timer);
    this.hangUp();
  }

  /** Rest while the session is over: the page waits, unseen, for whoever was here to sign in again. */
  rest(ended: boolean): void {
    this.ended = ended;
    this.settle();
  }

  private get unseen(): boolean {
    return document.hidden || this.ended;
  }

  /** A page that nobody sees holds no connection: browsers give all pages of an address only six. */
  private readonly settle = () => {
    if (this.stopped) return;
    if (this.unseen) {
      clearTimeout(this.timer);
      this.unseenSince ??= Date.now();
      this.hangUp();
      return;
    }
    if (this.unseenSince !== null && Date.now() - this.unseenSince > LONG_AGO_MS) this.skip();
    this.unseenSince = null;
    if (!this.stream) this.listen();
  };

  /** Go on with what happens from now on; pages ask for everything when it is known from where on that is. */
  private skip(): void {
    this.cursor = "latest";
  }

  private hangUp(): void {
    clearTimeout(this.silence);
    this.stream?.close();
    this.stream = null;
  }

  /** Something was heard: the connection lives. */
  private readonly lives = () => {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.hangUp();
      void this.catchUp();
    }, SILENCE_MS);
  };

  /** Somebody else has found the server again: there is nothing to wait for. */
  private readonly noticed = () => {
    if (away || this.stream || this.stopped || this.unseen) return;
    clearTimeout(this.timer);
    this.wait = FIRST_WAIT_MS;
    void this.catchUp();
  };

  private listen(): void {
    const stream = new EventSource(addressed("/api/events/stream", { after: this.cursor }));
    this.stream = stream;
    this.lives();
    for (const kind of ["open", "here", "event", "progress", "beat"]) stream.addEventListener(kind, this.lives);
    stream.addEventListener("open", () => (this.wait = FIRST_WAIT_MS));
    stream.addEventListener("here", (message) => {
      this.cursor = message.lastEventId;
      this.hear([], true);
    });
    stream.addEventListener("event", (message) => {
      this.cursor = message.lastEventId;
      this.take(JSON.parse(message.data as string) as LiveEvent);
    });
    stream.addEventListener("progress", (message) => {
      const run = JSON.parse(message.data as string) as RunProgress;
      keepProgress(run);
      this.take({ kind: PROGRESS, subject_id: run.run_id, actor: "", data: {}, at: "" });
    });
    stream.addEventListener("error", () => {
      stream.close();
      if (this.stream !== stream) return;
      this.hangUp();
      this.later();
    });
  }

  private later(): void {
    if (this.stopped || this.unseen) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.catchUp(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  /** Read the feed from where the stream broke off; it also tells whether the session is over. */
  private async catchUp(): Promise<void> {
    if (this.asking || this.stopped || this.unseen) return;
    this.asking = true;
    try {
      const { data } = await client.GET("/api/events", { params: { query: { after: this.cursor, limit: PAGE } } });
      if (!data) throw new NoAnswer("The feed gave nothing.");
      if (this.stopped) return;
      this.cursor = data.cursor;
      for (const event of data.events) this.take(event as LiveEvent);
      if (data.events.length < PAGE) this.hear([], true);
      else this.skip();
      // The page may have been hidden while this was asked.
      this.settle();
    } catch (failure) {
      if (failure instanceof ApiError && failure.status === 401) return;
      if (!(failure instanceof ApiError || failure instanceof NoAnswer)) throw failure;
      this.later();
    } finally {
      this.asking = false;
    }
  }

  /** Events come in bursts; whoever hears of them asks once for a burst. */
  private take(event: LiveEvent): void {
    for (const listener of listeners) listener(event);
    this.waiting.push(event);
    if (this.waiting.length > 1) return;
    setTimeout(() => {
      const events = this.waiting;
      this.waiting = [];
      if (!this.stopped) this.hear(events, false);
    }, SOON_MS);
  }
}

const listeners = new Set<(event: LiveEvent) => void>();

/** Hear events of these kinds (or beginnings of kinds) as they come; `hear` must keep its identity. */
export function useLiveEvents(beginning: string, hear: (event: LiveEvent) => void): void {
  useEffect(() => {
    const listener = (event: LiveEvent) => event.kind.startsWith(beginning) && hear(event);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, [beginning, hear]);
}

// --- Runs' figures ------------------------------------------------------------------------------

let runs: ReadonlyMap<string, RunProgress> = new Map();
const watchers = new Set<() => void>();

function keepProgress(run: RunProgress): void {
  runs = new Map(runs).set(run.run_id, run);
  for (const watcher of watchers) watcher();
}

export function forgetProgress(): void {
  runs = new Map();
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => void watchers.delete(watcher);
}

/** The newest figures of a run that the stream has told of; undefined where it has told of none. */
export function useRunProgress(runId: string): RunProgress | undefined {
  return useSyncExternalStore(watch, () => runs.get(runId));
}

// --- The connection -----------------------------------------------------------------------------

let away = false;
const awayWatchers = new Set<() => void>();

onAnswer((failure) => {
  const now = failure instanceof NoAnswer;
  if (now === away) return;
  away = now;
  for (const watcher of awayWatchers) watcher();
});

/** Whether the server was away when it was last asked. */
export function useServerAway(): boolean {
  return useSyncExternalStore(
    (watcher) => {
      awayWatchers.add(watcher);
      return () => void awayWatchers.delete(watcher);
    },
    () => away,
  );
}
