// Jobs: how many stand where, the list of them with its filters, and what was done about them. The same
// views serve a business's jobs and, for system admins, the system's own.

import { get, post } from "/page/api.js";
import { h, theirs } from "/page/dom.js";
import { length, number, t, term, when } from "/page/i18n.js";
import { badge, button, dialog, empty, failure, field, heading, table, zoneNote } from "/page/parts.js";

const A_PAGE = 50;
const QUEUES = ["high", "default", "low", "maintenance", "broadcasts", "recordings"];
const STATES = ["queued", "running", "succeeded", "failed", "cancelled", "expired"];
const DEPTHS = [["ready", "queued"], ["scheduled", "queued"], ["running", "running"], ["dead", "failed"]];

/** Make the list's view for the jobs under an API path, shown at an address. */
export function jobsView({ path, address, title, none }) {
  /** What is asked for; it outlives a visit to one job. */
  let filters = {};
  /** Where each page from the first to this one begins. */
  let trail = [undefined];
  /** What the last act came to: `{error}` or `{notice}`. */
  let outcome = null;

  const ask = (next, app) => {
    filters = Object.fromEntries(Object.entries(next).filter(([, value]) => value));
    trail = [undefined];
    outcome = null;
    return app.refresh();
  };

  return {
    title: () => t(title),
    follows: (kind) => /^jobs?\./.test(kind),
    isBusy: ({ queues }) => Object.values(queues).some(({ ready, running }) => ready + running > 0),
    forget: () => ([filters, trail, outcome] = [{}, [undefined], null]),
    ofRun: (run) => ([filters, trail, outcome] = [{ run_id: run }, [undefined], null]),

    async load() {
      const before = trail.at(-1);
      const [page, { queues }] = await Promise.all([
        get(path, { ...filters, ...(before && { before }), limit: A_PAGE }), get(`${path}/stats`),
      ]);
      return { ...page, queues };
    },

    draw({ jobs, next, queues }) {
      const isFiltered = Object.keys(filters).length > 0;
      const dead = Object.values(queues).reduce((sum, here) => sum + here.dead, 0);
      const isEmpty = jobs.length === 0 && !next && trail.length === 1;
      if (isEmpty && !isFiltered && !outcome) return [heading(t(title)), empty(t("jobs.none.title"), t(none))];
      return [
        heading(t(title), dead > 0 && button("retry_many", t("jobs.retry_many"))),
        outcome?.notice && h("p", { class: "notice", role: "status", "data-key": "notice" }, outcome.notice()),
        outcome?.error && failure(outcome.error),
        zoneNote(),
        standing(queues),
        filterBar(filters, queues, jobs),
        isEmpty ? h("p", { class: "quiet" }, t("jobs.none_such")) : listed(jobs, address),
        jobs.length === 0 && next && h("p", { class: "quiet" }, t("jobs.none_yet")),
        (trail.length > 1 || next) && h("nav", { class: "tools paging", "aria-label": t("jobs.pages") },
          button("newer", t("calls.newer"), { disabled: trail.length === 1 }),
          button("older", t("calls.older"), { disabled: !next, "data-next": next })),
      ];
    },

    acts: {
      filter: ({ name, value }, app) => ask({ ...filters, [name]: value.trim() }, app),
      only: ({ dataset }, app) => ask({ queue: dataset.queue, state: dataset.state }, app),
      async clear(_element, app) {
        await ask({}, app);
        document.getElementById("filter-queue")?.focus();
      },
      newer: (_element, app) => (trail.pop(), app.refresh()),
      older: ({ dataset }, app) => (trail.push(dataset.next), app.refresh()),
      retry_many: (_element, app) => retryMany(path, filters, app, (notice) => (outcome = { notice })),
    },
  };
}

/** A job's state as a person reads it: what is queued for later, and what was told to stop, say so. */
export function stateOf({ state, scheduled, cancel_requested_at: asked }) {
  if (scheduled) return "scheduled";
  return state === "running" && asked ? "stopping" : state;
}

export const duration = (seconds) => (seconds === null ? "–" : h("span", { class: "number" }, length(seconds)));

/** How many jobs stand where, by queue; every number above none narrows the list to what it counts. */
function standing(queues) {
  const rows = Object.entries(queues);
  if (rows.length === 0) return h("p", { class: "quiet" }, t("jobs.at_rest"));
  const columns = ["jobs.queue", ...DEPTHS.map(([key]) => `depth.${key}`), "depth.oldest"];
  return table(t("jobs.standing"), columns.map((key) => t(key)), rows.map(([queue, here]) => ({
    key: queue,
    cells: [
      name(queue),
      ...DEPTHS.map(([key, state]) => (here[key] === 0 ? number(0) : counted(queue, key, state, here[key]))),
      duration(here.oldest_ready_s),
    ],
  })));
}

const counted = (queue, key, state, count) =>
  button("only", number(count), {
    class: "count", "data-queue": queue, "data-state": state, "data-tone": key, "data-id": `${queue} ${key}`,
    "aria-label": t("jobs.only", { count: number(count), state: t(`depth.${key}`), queue }),
  });

function filterBar(filters, queues, jobs) {
  const known = new Set([...QUEUES, ...Object.keys(queues), ...jobs.map(({ queue }) => queue), filters.queue].filter(Boolean));
  const choice = (key, values, label) =>
    h("select", { id: `filter-${key}`, name: key, "data-change": "filter" },
      h("option", { value: "", selected: !filters[key] }, t("jobs.any")),
      values.map((value) => h("option", { value, selected: filters[key] === value }, label(value))));
  return h("div", { class: "filters", role: "search", "aria-label": t("jobs.filters") },
    field(t("jobs.queue"), choice("queue", [...known], (value) => value)),
    field(t("jobs.state"), choice("state", STATES, (value) => term("job_state", value))),
    field(t("jobs.job"), h("input", {
      id: "filter-name", name: "name", type: "search", dir: "ltr", autocomplete: "off", spellcheck: "false", maxlength: 200,
      value: filters.name, "data-change": "filter",
    })),
    filters.run_id && h("p", { class: "badge" }, t("jobs.of_run")),
    Object.keys(filters).length > 0 && button("clear", t("jobs.clear")));
}

function listed(jobs, address) {
  const columns = ["jobs.job", "jobs.queue", "jobs.state", "jobs.attempt", "jobs.waited", "jobs.ran", "jobs.made"];
  return table(t("jobs.listed"), columns.map((key) => t(key)), jobs.map((job) => ({
    key: job.id,
    cells: [
      [h("a", { href: `${address}/${job.id}`, dir: "ltr" }, job.name), job.error_line && h("p", { class: "quiet error-line" }, theirs(job.error_line))],
      name(job.queue),
      [badge("job_state", stateOf(job)), progress(job)],
      h("span", { class: "number", dir: "ltr" }, `${number(job.attempt)}/${number(job.max_attempts)}`),
      job.scheduled ? t("jobs.due", { when: when(job.run_at) }) : duration(job.waited_s),
      duration(job.ran_s),
      when(job.created_at),
    ],
  })));
}

/** How far a job says that it is; nothing for one that does not say. */
export const progress = ({ progress_done: done, progress_total: total }) =>
  total > 0 && h("span", { class: "quiet number" }, " ", t("jobs.progress", { done, total }));

/** A name that the code gives, which reads left to right. */
export const name = (word) => h("bdi", { dir: "ltr" }, word);

function retryMany(path, { queue, name: job, run_id: run }, app, done) {
  const narrowed = [queue && t("jobs.queue_named", { queue }), job && t("jobs.job_named", { job }), run && t("jobs.of_run")].filter(Boolean);
  dialog({
    title: t("jobs.retry_many.title"),
    body: [
      h("p", {}, t("jobs.retry_many.body")),
      narrowed.length > 0 && h("p", {}, t("jobs.retry_many.only", { which: narrowed.join(", ") })),
    ],
    yes: t("jobs.retry_many.yes"),
    no: t("dialog.not_now"),
    async submit() {
      const { retried } = await post(`${path}/retry`, { queue, name: job, run_id: run });
      done(() => t("jobs.now_retried", { n: retried }));
      await app.refresh();
    },
  });
}
