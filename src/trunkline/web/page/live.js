// Staying current: asks the event feed what is new while the page is visible, tells who wants to know,
// and notices when the server is away and when it is back. Knows no view.

import { ApiError, get, NoAnswer } from "/page/api.js";

const EVERY_MS = 1_500;
const LONGEST_WAIT_MS = 8_000;
const PAGE = 500;
const PAGES_AT_ONCE = 5;

/**
 * Begin to follow the business's feed; without a business, time alone. `hear(kinds)` is awaited after each look, with the kinds of what
 * happened since the last one; `lost(error)` and `back()` tell of the connection; `out(error)` ends it.
 */
export function follow(businessId, { hear, lost, back, out }) {
  const keptAs = `trunkline.feed.${businessId}`;
  let cursor = sessionStorage.getItem(keptAs) ?? "latest";
  let timer = null;
  let failures = 0;
  let looking = false;
  let stopped = false;

  async function news() {
    const kinds = new Set();
    if (!businessId) return kinds;
    for (let page = 0; page < PAGES_AT_ONCE; page += 1) {
      const { events, cursor: next } = await get("/events", { after: cursor, limit: PAGE });
      for (const { kind } of events) kinds.add(kind);
      cursor = next;
      if (events.length < PAGE) break;
    }
    sessionStorage.setItem(keptAs, cursor);
    return kinds;
  }

  async function look() {
    if (looking || stopped || document.hidden) return;
    looking = true;
    clearTimeout(timer);
    try {
      await hear(await news());
      if (failures > 0 && !stopped) back();
      failures = 0;
    } catch (error) {
      if (stopped) return;
      failures += 1;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) out(error);
      else if (error instanceof ApiError || error instanceof NoAnswer) lost(error);
      else throw error;
    } finally {
      looking = false;
      if (!stopped) timer = setTimeout(look, Math.min(EVERY_MS * 2 ** failures, LONGEST_WAIT_MS));
    }
  }

  const lookNow = () => void look();
  document.addEventListener("visibilitychange", lookNow);
  addEventListener("online", lookNow);
  void look();

  return function stop() {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", lookNow);
    removeEventListener("online", lookNow);
  };
}
