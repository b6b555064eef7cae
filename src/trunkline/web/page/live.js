// Staying current: listens to the event stream while the page is visible, asks the feed instead while the
// stream is broken, tells who wants to know, and notices when the server is away and when it is back.
// Knows no view.

import { ApiError, get, NoAnswer } from "/page/api.js";

const EVERY_MS = 1_500;
const SOON_MS = 150;
const LONGEST_WAIT_MS = 8_000;
const PAGE = 500;
const PAGES_AT_ONCE = 5;

/**
 * Begin to follow the business's events; without a business, time alone. `hear(kinds, isStreamed)` is awaited with
 * the kinds of what happened since it was called last; `progress(run)` with the figures of a run as they change;
 * `lost(error)` and `back()` tell of the connection; `out(error)` ends it.
 */
export function follow(businessId, { hear, progress, lost, back, out }) {
  const keptAs = `trunkline.feed.${businessId}`;
  let cursor = sessionStorage.getItem(keptAs) ?? "latest";
  let stream = null;
  let isStreamed = false;
  let kinds = new Set();
  let timer = null;
  let dueAt = Infinity;
  let failures = 0;
  let looking = false;
  let stopped = false;

  function remember(next) {
    cursor = next;
    sessionStorage.setItem(keptAs, cursor);
  }

  function listen() {
    if (stream || stopped || document.hidden || !businessId) return;
    stream = new EventSource(`/api/events/stream?after=${cursor}`);
    stream.addEventListener("here", (event) => heard(event));
    stream.addEventListener("event", (event) => {
      kinds.add(JSON.parse(event.data).kind);
      heard(event);
      if (dueAt > performance.now() + SOON_MS) again(SOON_MS);
    });
    stream.addEventListener("progress", (event) => {
      if (progress(JSON.parse(event.data))) return;
      kinds.add("item.progressed");
    });
    stream.addEventListener("open", () => {
      isStreamed = true;
      again(0);
    });
    stream.addEventListener("error", broken);
  }

  function heard(event) {
    if (event.lastEventId) remember(event.lastEventId);
  }

  /** Ask the feed from here on; it knows whether the session is over, and the stream is tried again behind it. */
  function broken() {
    stream?.close();
    stream = null;
    isStreamed = false;
    again(0);
  }

  async function news() {
    const found = kinds;
    kinds = new Set();
    if (!businessId || isStreamed) return found;
    for (let page = 0; page < PAGES_AT_ONCE; page += 1) {
      const { events, cursor: next } = await get("/events", { after: cursor, limit: PAGE });
      for (const { kind } of events) found.add(kind);
      remember(next);
      if (events.length < PAGE) break;
    }
    return found;
  }

  async function look() {
    if (looking || stopped || document.hidden) return;
    looking = true;
    clearTimeout(timer);
    try {
      const found = await news();
      await hear(found, isStreamed);
      if (failures > 0 && !stopped) back();
      failures = 0;
      listen();
    } catch (error) {
      if (stopped) return;
      failures += 1;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) out(error);
      else if (error instanceof ApiError || error instanceof NoAnswer) lost(error);
      else throw error;
    } finally {
      looking = false;
      again(Math.min(EVERY_MS * 2 ** failures, LONGEST_WAIT_MS));
    }
  }

  function again(inMs) {
    clearTimeout(timer);
    dueAt = performance.now() + inMs;
    if (!stopped) timer = setTimeout(look, inMs);
  }

  function onVisibility() {
    // A browser holds few connections to one server; pages that nobody sees hold none.
    if (document.hidden) broken();
    else again(0);
  }

  const onOnline = () => again(0);
  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("online", onOnline);
  addEventListener("offline", broken);
  void look();

  return function stop() {
    stopped = true;
    stream?.close();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisibility);
    removeEventListener("online", onOnline);
    removeEventListener("offline", broken);
  };
}
