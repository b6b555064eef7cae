// Appointments: what is coming and what has been, with the call in which each was agreed.

import { get } from "/page/api.js";
import { everyLead } from "/page/book.js";
import { h, phone, theirs } from "/page/dom.js";
import { t, when } from "/page/i18n.js";
import { badge, empty, heading, table, zoneNote } from "/page/parts.js";

const SHOWN = 100;

export const appointmentsView = {
  title: () => t("appointments.title"),
  follows: (kind) => kind.startsWith("appointment."),
  isBusy: () => false,

  async load() {
    // One more than is shown tells whether there are others.
    const now = new Date().toISOString();
    const asked = [get("/appointments", { limit: SHOWN + 1, from: now }), get("/appointments", { limit: SHOWN + 1, to: now, newest_first: true })];
    const [coming, past] = (await Promise.all(asked)).map((page) => page.appointments);
    const shown = [...coming.slice(0, SHOWN), ...past.slice(0, SHOWN)];
    return { coming, past, leads: await everyLead(shown.map((row) => row.lead_id)) };
  },

  draw({ coming, past, leads }) {
    if (coming.length + past.length === 0) {
      return [heading(t("appointments.title")), empty(t("appointments.none.title"), t("appointments.none.body"))];
    }
    return [
      heading(t("appointments.title")),
      zoneNote(),
      h("h2", {}, t("appointments.coming")),
      coming.length > 0 ? listed(t("appointments.coming"), coming, leads) : h("p", { class: "quiet" }, t("appointments.none_coming")),
      coming.length > SHOWN && h("p", { class: "quiet" }, t("appointments.first", { n: SHOWN })),
      past.length > 0 && [h("h2", {}, t("appointments.past")), listed(t("appointments.past"), past, leads)],
      past.length > SHOWN && h("p", { class: "quiet" }, t("appointments.last", { n: SHOWN })),
    ];
  },

  acts: {},
};

function listed(caption, rows, leads) {
  const columns = ["appointments.when", "appointments.lead", "appointments.state", "appointments.call"];
  return table(caption, columns.map((key) => t(key)), rows.slice(0, SHOWN).map((row) => ({
    key: row.id,
    cells: [when(row.starts_at), who(leads.get(row.lead_id)), badge("appointment_state", row.state), call(row.call_id)],
  })));
}

const who = (lead) => (lead ? [lead.name && [theirs(lead.name), " "], phone(lead.phone)] : "–");
const call = (id) => (id ? h("a", { href: `#/calls/${id}` }, t("appointments.open_call")) : "–");
