// The call log: every call of the business, newest first, a page at a time.

import { get } from "/page/api.js";
import { knownLeads } from "/page/book.js";
import { h, phone, theirs } from "/page/dom.js";
import { number, span, t, term, when } from "/page/i18n.js";
import { badge, button, empty, heading, table, zoneNote } from "/page/parts.js";

const A_PAGE = 50;

let offset = 0;

export const callsView = {
  title: () => t("calls.title"),
  follows: (kind) => kind.startsWith("call."),
  isBusy: ({ calls }) => calls.some(isOpen),

  async load() {
    // One more than is shown tells whether there are older ones.
    const rows = await get("/calls", { limit: A_PAGE + 1, offset });
    const calls = rows.slice(0, A_PAGE);
    return { calls, hasOlder: rows.length > A_PAGE, leads: await knownLeads(calls.map((call) => call.lead_id)) };
  },

  draw({ calls, hasOlder, leads }) {
    if (calls.length === 0 && offset === 0) return [heading(t("calls.title")), empty(t("calls.none.title"), t("calls.none.body"))];
    const columns = ["calls.number", "calls.direction", "calls.came_to", "calls.began", "calls.length"];
    return [
      heading(t("calls.title")),
      zoneNote(),
      table(t("calls.title"), columns.map((key) => t(key)), calls.map((call) => ({ key: call.id, cells: cells(call, leads) }))),
      (offset > 0 || hasOlder) && h("nav", { class: "tools paging", "aria-label": t("calls.pages") },
        button("newer", t("calls.newer"), { disabled: offset === 0 }),
        h("span", { class: "quiet", dir: "ltr" }, t("calls.range", { from: number(offset + 1), to: number(offset + calls.length) })),
        button("older", t("calls.older"), { disabled: !hasOlder })),
    ];
  },

  acts: {
    newer: (_element, app) => turnTo(offset - A_PAGE, app),
    older: (_element, app) => turnTo(offset + A_PAGE, app),
  },

  enter: () => (offset = 0),
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

function turnTo(place, app) {
  offset = Math.max(0, place);
  return app.refresh();
}
