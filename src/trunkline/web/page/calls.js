// The call log: every call of the business, newest first, a page at a time.

import { get } from "/page/api.js";
import { knownLeads } from "/page/book.js";
import { h, phone, theirs } from "/page/dom.js";
import { number, span, t, term, when } from "/page/i18n.js";
import { badge, button, empty, heading, table, zoneNote } from "/page/parts.js";

const A_PAGE = 50;

// The cursors of the pages before this one and of this one; the first page has none.
let trail = [null];

export const callsView = {
  title: () => t("calls.title"),
  follows: (kind) => kind.startsWith("call."),
  isBusy: ({ calls }) => calls.some(isOpen),

  async load() {
    const { calls, next_cursor: older } = await get("/calls", { limit: A_PAGE, ...(trail.at(-1) && { cursor: trail.at(-1) }) });
    return { calls, older, leads: await knownLeads(calls.map((call) => call.lead_id)) };
  },

  draw({ calls, older, leads }) {
    const before = (trail.length - 1) * A_PAGE;
    if (calls.length === 0 && before === 0) return [heading(t("calls.title")), empty(t("calls.none.title"), t("calls.none.body"))];
    const columns = ["calls.number", "calls.direction", "calls.came_to", "calls.began", "calls.length"];
    return [
      heading(t("calls.title")),
      zoneNote(),
      table(t("calls.title"), columns.map((key) => t(key)), calls.map((call) => ({ key: call.id, cells: cells(call, leads) }))),
      (before > 0 || older) && h("nav", { class: "tools paging", "aria-label": t("calls.pages") },
        button("newer", t("calls.newer"), { disabled: before === 0 }),
        h("span", { class: "quiet", dir: "ltr" }, t("calls.range", { from: number(before + 1), to: number(before + calls.length) })),
        button("older", t("calls.older"), { disabled: !older, "data-cursor": older })),
    ];
  },

  acts: {
    newer: (_element, app) => turnTo(trail.slice(0, -1), app),
    older: (element, app) => turnTo([...trail, element.dataset.cursor], app),
  },

  enter: () => (trail = [null]),
};

/** Incoming or outgoing, by an arrow that turns with the page's direction and by a word. */
export const direction = (code) =>
  h("span", { class: "direction", "data-direction": code }, h("span", { class: "arrow", "aria-hidden": "true" }, code === "inbound" ? "↙" : "↗"), term("direction", code));

/** What a call came to; while it is not over, where it stands. One that was talked in is not cancelled by our hanging up. */
export const cameTo = (call) => {
  if (isOpen(call) || !call.disposition) return badge("call_state", call.state);
  if (call.disposition === "cancelled" && call.answered_at) return badge("came_to", "ended_by_us");
  return badge("disposition", call.disposition);
};

export const isOpen = ({ state }) => state !== "ended";

/** How long was talked, until now while the call is live. */
export const talked = (call) => (call.answered_at ? h("span", { class: "number" }, span(call.answered_at, call.ended_at)) : "–");

function cells(call, leads) {
  const name = leads.get(call.lead_id)?.name;
  return [
    [h("a", { href: `#/calls/${call.id}` }, phone(call.theirs)), name && [" ", h("span", { class: "quiet" }, theirs(name))]],
    direction(call.direction),
    cameTo(call),
    when(call.created_at),
    talked(call),
  ];
}

function turnTo(pages, app) {
  trail = pages;
  return app.refresh();
}
