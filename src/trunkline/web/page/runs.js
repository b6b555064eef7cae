// Runs: the list of them, one run with its leads, and the buttons that start, pause, resume and cancel.
// Every figure is the server's own count; nothing is guessed between two answers.

import { get, post } from "/page/api.js";
import { fill, h, phone, theirs } from "/page/dom.js";
import { number, t, term, when } from "/page/i18n.js";
import { badge, button, dialog, empty, failure, heading, table, zoneNote } from "/page/parts.js";
import { newRunDialog } from "/page/run_form.js";

const ACTIVE = new Set(["running", "paused"]);
const BUTTONS = { pending: ["start", "cancel"], running: ["pause", "cancel"], paused: ["resume", "cancel"] };
const SETTLED = ["done", "failed", "cancelled", "unknown"];
const COUNTS = ["queued", "active", ...SETTLED];
const LEADS_SHOWN = 200;
const RUNS_SHOWN = 50;

/** What the last act on a run came to: `{error}` or `{notice}`, by the run's id. */
const outcomes = new Map();

const changesRuns = (kind) => /^(run|call|dial|item|number)\./.test(kind);
const title = (run) => theirs(run.title);

export const runsView = {
  title: () => t("runs.title"),
  load: () => get("/runs"),
  follows: changesRuns,
  isBusy: (runs) => runs.some(({ state }) => ACTIVE.has(state)),

  draw(runs, app) {
    const make = app.may("agent") && button("new_run", t("runs.new"), { class: "primary" });
    if (runs.length === 0) {
      return [heading(t("runs.title")), empty(t("runs.none.title"), t(make ? "runs.none.body" : "runs.none.viewer"), make)];
    }
    return [
      heading(t("runs.title"), make),
      zoneNote(),
      h("div", { class: "stack" }, runs.map((run) => runCard(run, runs, app))),
      runs.length === RUNS_SHOWN && h("p", { class: "quiet" }, t("runs.latest")),
    ];
  },

  acts: {
    new_run: (_element, app) => newRunDialog(app, (run) => outcomes.set(run.id, { notice: made(run) })),
    start: (element, app) => act(element.dataset.id, "start", "run.now_started", app),
    pause: (element, app) => act(element.dataset.id, "pause", "run.now_paused", app),
    resume: (element, app) => act(element.dataset.id, "resume", "run.now_resumed", app),
    cancel: (element, app) => cancelDialog(element.dataset, app),
  },
};

export const runView = {
  ...runsView,
  title: ({ run }) => run.title,
  isBusy: ({ run }) => ACTIVE.has(run.state),

  async load(id) {
    const [run, runs, items, attempts] = await Promise.all([
      get(`/runs/${id}`), get("/runs"), get(`/runs/${id}/items`), get(`/runs/${id}/attempts`),
    ]);
    return { run, runs, items, calls: new Map(attempts.map((attempt) => [attempt.item_id, attempt.call_id])) };
  },

  draw({ run, runs, items, calls }, app) {
    const shown = items.slice(0, LEADS_SHOWN);
    const columns = ["run.lead", "run.lead_state", "run.lead_outcome", "run.lead_attempts", "run.lead_call"];
    return [
      h("p", {}, h("a", { href: "#/runs" }, t("back.runs"))),
      runCard(run, runs, app, "h1"),
      h("h2", {}, t("run.leads")),
      items.length > shown.length && h("p", { class: "quiet" }, t("run.leads_first", { n: shown.length, total: items.length })),
      table(t("run.leads"), columns.map((key) => t(key)), shown.map((item) => ({
        key: item.id,
        cells: [
          phone(item.phone),
          badge("item_state", item.state),
          item.disposition ? term("disposition", item.disposition) : "–",
          number(item.attempts_used),
          callLink(calls.get(item.id), item.phone),
        ],
      }))),
    ];
  },
};

function runCard(run, runs, app, level = "h2") {
  const { id, state, progress } = run;
  return h("article", { class: "card run", "data-key": id, id: `run-${id}` },
    h("header", { class: "line" },
      h(level, { class: "grow", tabindex: level === "h1" ? -1 : undefined }, h("a", { href: `#/runs/${id}` }, title(run)), " ", badge("run_state", state)),
      app.may("agent") && h("div", { class: "tools" }, (BUTTONS[state] ?? []).map((name) => actButton(name, run)))),
    ACTIVE.has(state) && bar(run),
    counts(progress),
    h("p", { class: "quiet times" },
      [["created", run.created_at], ["started", run.started_at], ["finished", run.finished_at]]
        .filter(([, at]) => at)
        .map(([key, at]) => h("span", {}, t(`run.${key}`, { when: when(at) })))),
    outcome(id, runs));
}

/** The bar of an active run: exactly what the server has counted as settled, part by part. */
function bar({ title: name, progress }) {
  const settled = SETTLED.reduce((sum, key) => sum + progress[key], 0);
  const share = (part) => (progress.total === 0 ? "0%" : `${(part / progress.total) * 100}%`);
  const said = t("run.bar", {
    settled, total: progress.total, percent: progress.total === 0 ? 0 : Math.floor((settled / progress.total) * 100),
  });
  return h("div", { class: "progress" },
    h("div", {
      class: "bar", role: "progressbar", "aria-label": t("run.bar_label", { title: name }), "aria-valuemin": 0,
      "aria-valuemax": progress.total, "aria-valuenow": settled, "aria-valuetext": said,
    }, SETTLED.map((key) => h("span", { class: "part", "data-tone": key, vars: { "--share": share(progress[key]) } }))),
    h("span", { class: "quiet" }, said));
}

function counts(progress) {
  const figure = (key, label, value) =>
    h("div", { class: "figure", "data-tone": key, "data-none": value === 0 }, h("dt", {}, label), h("dd", { "data-count": key }, number(value)));
  return h("dl", { class: "figures" },
    figure("total", t("run.total"), progress.total),
    COUNTS.map((key) => figure(key, t(`count.${key}`), progress[key])));
}

function actButton(name, { id, title: called }) {
  const label = t(`run.${name}`);
  return button(name, label, {
    "data-key": name, "data-id": id, "data-title": called, "aria-label": t("run.act_named", { act: label, title: called }),
    class: name === "start" || name === "resume" ? "primary" : undefined,
  });
}

function outcome(id, runs) {
  const { error, notice } = outcomes.get(id) ?? {};
  if (notice) return h("p", { class: "notice", role: "status", "data-key": "notice" }, notice());
  if (!error) return null;
  const active = error.code === "run_already_active" && error.data?.run_id;
  if (!active || active === id) return failure(error);
  const other = runs.find((run) => run.id === active);
  const link = h("a", { href: `#/runs/${active}` }, other ? title(other) : t("run.active_other"));
  return failure(error, h("p", {}, fill(t("run.active_now"), { title: link })));
}

async function act(id, verb, notice, app) {
  outcomes.delete(id);
  try {
    const run = await post(`/runs/${id}/${verb}`);
    outcomes.set(id, { notice: () => fill(t(notice), { title: title(run) }) });
  } catch (error) {
    outcomes.set(id, { error });
  }
  await app.refresh();
  settleFocus(id);
}

/** The button that was pressed may be gone; whoever works by keyboard stays at the run. */
function settleFocus(id) {
  if (document.activeElement === document.body) document.querySelector(`#run-${id} a`)?.focus();
}

function cancelDialog({ id, title: called }, app) {
  const force = h("input", { type: "checkbox", id: "force", name: "force", "aria-describedby": "force-hint" });
  dialog({
    title: t("cancel.title"),
    body: [
      h("p", {}, fill(t("cancel.body"), { title: h("strong", {}, theirs(called)) })),
      h("label", { class: "check" }, force, h("span", {}, t("cancel.force"), h("span", { class: "quiet", id: "force-hint" }, t("cancel.force_hint")))),
    ],
    yes: t("cancel.yes"),
    no: t("cancel.no"),
    danger: true,
    async submit() {
      outcomes.delete(id);
      const { items_cancelled: items, calls_in_flight: calls } = await post(`/runs/${id}/cancel`, { force: force.checked });
      outcomes.set(id, { notice: () => t("run.now_cancelled", { items, calls }) });
      await app.refresh();
    },
  });
}

const made = (run) => () => fill(t("run.now_created"), { title: title(run) });

function callLink(callId, with_) {
  if (!callId) return "–";
  return h("a", { href: `#/calls/${callId}`, "aria-label": t("run.open_call_named", { number: with_ }) }, t("run.open_call"));
}
