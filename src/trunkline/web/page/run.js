// One run: its card, and its leads a page at a time, with what came of each.

import { get, post } from "/page/api.js";
import { h, phone, theirs } from "/page/dom.js";
import { current, number, t, term, when } from "/page/i18n.js";
import { badge, button, table } from "/page/parts.js";
import { acts, attempt, isActive, runCard, takeIn } from "/page/run_card.js";

const A_PAGE = 50;
const STATES = ["queued", "retry_wait", "dialling", "in_call", "wrap_up", "completed", "failed", "cancelled", "unknown"];

/** Which leads are shown: those in this state, behind these positions, one for each page gone forward. */
let state = "";
let behind = [0];

export const runView = {
  title: ({ run }) => run.title,
  follows: (kind) => /^(run|call|dial|item|number)\./.test(kind),
  isBusy: ({ run }, isStreamed) => !isStreamed && isActive(run),
  enter() {
    state = "";
    behind = [0];
  },

  async load(id) {
    const query = { limit: A_PAGE + 1, after: behind.at(-1), ...(state && { state }) };
    const [run, runs, items] = await Promise.all([get(`/runs/${id}`), get("/runs"), get(`/runs/${id}/items`, query)]);
    return { run, runs, items: items.slice(0, A_PAGE), hasMore: items.length > A_PAGE };
  },

  /** Its leads have changed with its figures, so they are asked for again. */
  progress({ run }, told) {
    if (run.id !== told.run_id) return true;
    takeIn(run, told);
    return false;
  },

  draw({ run, runs, items, hasMore }, app) {
    return [
      h("p", {}, h("a", { href: "#/runs" }, t("back.runs"))),
      runCard(run, runs, app, "h1"),
      run.retry_of && h("p", { class: "quiet" }, h("a", { href: `#/runs/${run.retry_of}` }, t("run.retry_of"))),
      h("header", { class: "line" }, h("h2", { class: "grow" }, t("run.leads")), filter(), exportLink(run)),
      items.length > 0 ? leads(run, items, app) : h("p", { class: "quiet" }, t("run.no_such_leads")),
      (behind.length > 1 || hasMore) && h("nav", { class: "tools paging", "aria-label": t("run.pages") },
        button("back_page", t("run.earlier"), { disabled: behind.length === 1 }),
        button("next_page", t("run.later"), { disabled: !hasMore, "data-after": items.at(-1)?.position })),
    ];
  },

  acts: {
    ...acts,
    only(element, app) {
      state = element.value;
      behind = [0];
      return app.refresh();
    },
    next_page(element, app) {
      behind.push(Number(element.dataset.after));
      return app.refresh();
    },
    back_page(_element, app) {
      behind.pop();
      return app.refresh();
    },
    release: ({ dataset: { id, run } }, app) =>
      attempt(run, app, async () => {
        await post(`/runs/${run}/attempts/${id}/release`);
        return { notice: () => t("run.now_released") };
      }),
  },
};

function filter() {
  return h("label", { class: "check" }, t("run.only"),
    h("select", { id: "lead-state", "data-change": "only" },
      h("option", { value: "", selected: !state }, t("run.any")),
      STATES.map((code) => h("option", { value: code, selected: state === code }, term("item_state", code)))));
}

function exportLink(run) {
  const query = new URLSearchParams({ language: current(), ...(state && { state }) });
  return h("a", { class: "button", href: `/api/runs/${run.id}/results.csv?${query}`, download: true }, t("run.export"));
}

function leads(run, items, app) {
  const columns = ["run.lead", "run.lead_name", "run.lead_state", "run.lead_outcome", "run.lead_attempts", "run.lead_call"];
  return table(t("run.leads"), columns.map((key) => t(key)), items.map((item) => ({
    key: item.id,
    cells: [
      phone(item.phone),
      item.name ? theirs(item.name) : "–",
      [badge("item_state", item.state), item.state === "retry_wait" && waits(item)],
      item.disposition ? term("disposition", item.disposition) : "–",
      number(item.attempts_used),
      [callLink(item), item.in_doubt && app.may("admin") && release(run, item)],
    ],
  })));
}

const waits = ({ waits_for: reason, not_before: at }) =>
  h("span", { class: "quiet" }, " ", t("run.lead_waits", { reason: term("waits_for", reason), when: when(at) }));

const release = (run, { attempt_id: id, phone: called }) =>
  button("release", t("run.release"), { "data-id": id, "data-run": run.id, "aria-label": t("run.release_named", { number: called }) });

function callLink({ call_id: callId, phone: called }) {
  if (!callId) return "–";
  return h("a", { href: `#/calls/${callId}`, "aria-label": t("run.open_call_named", { number: called }) }, t("run.open_call"));
}
