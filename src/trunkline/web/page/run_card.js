// A run as a card: its bar and counts, what it waits for in words, and the buttons that drive it.
// Every figure is the server's own count; nothing is guessed between two answers.

import { change, post } from "/page/api.js";
import { fill, h, theirs } from "/page/dom.js";
import { instant, number, t, term, when, zoneName } from "/page/i18n.js";
import { badge, button, dialog, failure, field } from "/page/parts.js";

const ACTIVE = new Set(["running", "paused"]);
const BUTTONS = {
  pending: ["start", "schedule", "cancel"],
  running: ["pause", "change", "cancel"],
  paused: ["resume", "change", "cancel"],
};
const SETTLED = ["done", "failed", "cancelled", "unknown"];
const COUNTS = ["queued", "active", ...SETTLED];

/**
 * What the last act on a run came to: `{error}` or `{notice}`, by the run's id, with the `state` in which
 * the act left the run, or else the first that was shown with it. Once the run has gone on, it is forgotten.
 */
const outcomes = new Map();

export const isActive = ({ state }) => ACTIVE.has(state);
export const title = (run) => theirs(run.title);
export const note = (id, outcome) => outcomes.set(id, outcome);

/** Take newer figures into a run that is shown. False: more than figures has changed. */
export function takeIn(run, told) {
  // How many could be called again is told by the run alone.
  const isSame = !isOver(run) || (run.progress.failed === told.progress.failed && run.progress.unknown === told.progress.unknown);
  run.progress = told.progress;
  return run.state === told.state && isSame;
}

export const acts = {
  start: (element, app) => act(element.dataset.id, "start", "run.now_started", app),
  pause: (element, app) => act(element.dataset.id, "pause", "run.now_paused", app),
  resume: (element, app) => act(element.dataset.id, "resume", "run.now_resumed", app),
  cancel: (element, app) => cancelDialog(element.dataset, app),
  schedule: (element, app) => scheduleDialog(element.dataset, app),
  change: (element, app) => changeDialog(element.dataset, app),
  retry_failed: (element, app) => retryFailed(element.dataset.id, app),
};

export function runCard(run, runs, app, level = "h2") {
  const { id, state, progress } = run;
  const names = [...(BUTTONS[state] ?? []), run.retryable > 0 && "retry_failed"].filter(Boolean);
  return h("article", { class: "card run", "data-key": id, id: `run-${id}` },
    h("header", { class: "line" },
      h(level, { class: "grow", tabindex: level === "h1" ? -1 : undefined }, h("a", { href: `#/runs/${id}` }, title(run)), " ", badge("run_state", state)),
      app.may("agent") && h("div", { class: "tools" }, names.map((name) => actButton(name, run)))),
    isActive(run) && bar(run),
    counts(progress),
    waits(run),
    h("p", { class: "quiet times" },
      [["created", run.created_at], ["started", run.started_at], ["finished", run.finished_at]]
        .filter(([, at]) => at)
        .map(([key, at]) => h("span", {}, t(`run.${key}`, { when: when(at) })))),
    outcome(run, runs));
}

const isOver = ({ state }) => !ACTIVE.has(state) && state !== "pending";

/** Why a run that could dial does not, and when it will. */
function waits(run) {
  const sentences = [];
  if (run.state === "pending" && run.starts_at) sentences.push(t("run.starts_at", { when: when(run.starts_at) }));
  if (run.state === "running") {
    const isHeld = run.held_until && new Date(run.held_until) > new Date();
    if (isHeld) sentences.push(t("run.held", { when: when(run.held_until), reason: term("held", run.held_reason) }));
    else if (run.progress.active === 0 && run.next_at) sentences.push(t("run.next_at", { when: when(run.next_at) }));
  }
  return sentences.length > 0 && h("p", { class: "waits", "data-key": "waits" }, sentences.join(" "));
}

/** The bar of an active run: exactly what the server has counted as settled, part by part. */
function bar({ title: name, progress }) {
  const settled = SETTLED.reduce((sum, key) => sum + progress[key], 0);
  const share = (part) => (progress.total === 0 ? "0%" : `${(part / progress.total) * 100}%`);
  const said = t("run.bar", {
    settled, total: progress.total, percent: progress.total === 0 ? 0 : Math.floor((settled / progress.total) * 100),
  });
  return h("div", { class: "progress", "data-key": "bar" },
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

function actButton(name, { id, title: called, options }) {
  const label = t(`run.${name}`);
  return button(name, label, {
    "data-key": name, "data-id": id, "data-title": called, "data-priority": options?.priority, "data-lines": options?.concurrency,
    "aria-label": t("run.act_named", { act: label, title: called }),
    class: name === "start" || name === "resume" ? "primary" : undefined,
  });
}

function outcome({ id, state }, runs) {
  const last = outcomes.get(id);
  if (!last) return null;
  last.state ??= state;
  if (last.state !== state) {
    outcomes.delete(id);
    return null;
  }
  const { error, notice } = last;
  if (notice) return h("p", { class: "notice", role: "status", "data-key": "notice" }, notice());
  return error ? refusal(error, id, runs) : null;
}

/** A refusal; one that names the active run leads to it. */
export function refusal(error, id, runs) {
  const active = error.code === "run_already_active" && error.data?.run_id;
  if (!active || active === id) return failure(error);
  const other = runs.find((run) => run.id === active);
  const link = h("a", { href: `#/runs/${active}` }, other ? title(other) : t("run.active_other"));
  return failure(error, h("p", {}, fill(t("run.active_now"), { title: link })));
}

/** Do something to a run, and say below it what came of it. */
export async function attempt(id, app, work) {
  outcomes.delete(id);
  try {
    outcomes.set(id, await work());
  } catch (error) {
    outcomes.set(id, { error });
  }
  await app.refresh();
  settleFocus(id);
}

const act = (id, verb, said, app) =>
  attempt(id, app, async () => {
    const run = await post(`/runs/${id}/${verb}`);
    return { notice: () => fill(t(said), { title: title(run) }), state: run.state };
  });

async function retryFailed(id, app) {
  await attempt(id, app, async () => {
    const again = await post(`/runs/${id}/retry-failed`);
    const link = () => h("a", { href: `#/runs/${again.id}` }, title(again));
    return { notice: () => fill(t("run.now_again"), { title: link() }) };
  });
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
      note(id, { notice: () => t("run.now_cancelled", { items, calls }), state: "cancelled" });
      await app.refresh();
    },
  });
}

function scheduleDialog({ id, title: called }, app) {
  const at = h("input", { id: "run-at", type: "datetime-local" });
  dialog({
    title: t("schedule.title"),
    body: [
      h("p", {}, fill(t("schedule.body"), { title: h("strong", {}, theirs(called)) })),
      field(t("schedule.at"), at, t("schedule.hint", { zone: zoneName() })),
    ],
    yes: t("schedule.yes"),
    no: t("dialog.not_now"),
    async submit() {
      const startsAt = at.value ? instant(at.value) : null;
      const { state } = await post(`/runs/${id}/schedule`, { starts_at: startsAt });
      note(id, { notice: () => (startsAt ? t("run.now_scheduled", { when: when(startsAt) }) : t("run.now_unscheduled")), state });
      await app.refresh();
    },
  });
}

function changeDialog({ id, title: called, priority: before, lines: linesBefore }, app) {
  const priority = h("input", { id: "run-priority", type: "number", min: -100, max: 100, required: true, value: before });
  const lines = h("input", { id: "run-lines", type: "number", min: 1, max: 10, required: true, value: linesBefore });
  dialog({
    title: t("change.title"),
    body: [
      h("p", {}, fill(t("change.body"), { title: h("strong", {}, theirs(called)) })),
      field(t("new_run.priority"), priority, t("new_run.priority_hint")),
      field(t("new_run.concurrency"), lines),
    ],
    yes: t("change.yes"),
    no: t("dialog.not_now"),
    async submit() {
      const { state } = await change(`/runs/${id}`, { priority: priority.valueAsNumber, concurrency: lines.valueAsNumber });
      note(id, { notice: () => t("run.now_changed"), state });
      await app.refresh();
    },
  });
}
