// One job: its times, its arguments, the trace of its failure, and the buttons that send it back or stop it.

import { get, post } from "/page/api.js";
import { h, theirs } from "/page/dom.js";
import { number, t, when } from "/page/i18n.js";
import { duration, name, progress, stateOf } from "/page/jobs.js";
import { badge, button, dialog, failure, zoneNote } from "/page/parts.js";

const ACTIVE = new Set(["queued", "running"]);

/** Make the view of one of the jobs of a list's view. */
export function jobView({ path, address, back, list }) {
  /** What the last act on a job came to: `{id, notice}` or `{id, error}`. */
  let outcome = null;

  return {
    title: ({ name: called }) => called,
    load: (id) => get(`${path}/${id}`),
    follows: (kind) => /^jobs?\./.test(kind),
    isBusy: ({ state, scheduled }) => ACTIVE.has(state) && !scheduled,
    enter: () => (outcome = null),

    draw(job) {
      const mine = outcome?.id === job.id ? outcome : null;
      return [
        h("p", {}, h("a", { href: address }, t(back))),
        h("header", { class: "heading" },
          h("h1", { tabindex: -1 }, name(job.name), " ", badge("job_state", stateOf(job))), h("div", { class: "tools" }, tools(job))),
        mine?.notice && h("p", { class: "notice", role: "status", "data-key": "notice" }, t(mine.notice)),
        mine?.error && failure(mine.error),
        zoneNote(),
        facts(job),
        job.error && [h("h2", {}, t("job.error")), h("pre", { class: "trace", dir: "ltr", tabindex: 0, "aria-label": t("job.error") }, job.error)],
        h("details", { class: "arguments" }, h("summary", {}, t("job.arguments")),
          h("p", { class: "quiet" }, t("job.arguments_note")),
          h("pre", { dir: "ltr", tabindex: 0 }, JSON.stringify(job.args, null, 1))),
      ];
    },

    acts: {
      retry: ({ dataset }, app) => act(dataset.id, "retry", {}, app),
      cancel: ({ dataset }, app) => cancelDialog(dataset, (force) => act(dataset.id, "cancel", { force }, app)),
      of_run({ dataset }) {
        list.ofRun(dataset.id);
        location.hash = address;
      },
    },
  };

  async function act(id, verb, body, app) {
    try {
      const { state } = await post(`${path}/${id}/${verb}`, body);
      outcome = { id, notice: `job.now_${verb === "retry" ? "retried" : state === "cancelled" ? "cancelled" : "stopping"}` };
    } catch (error) {
      outcome = { id, error };
    }
    await app.refresh();
    if (document.activeElement === document.body) document.querySelector("main h1")?.focus();
  }
}

function tools({ id, state, name: called, cancel_requested_at: asked }) {
  return [
    state === "failed" && button("retry", t("job.retry"), { class: "primary", "data-key": "retry", "data-id": id }),
    ACTIVE.has(state) && button("cancel", t(state === "queued" ? "job.cancel" : "job.stop"), {
      "data-key": `cancel ${state}`, "data-id": id, "data-state": state, "data-name": called, "data-asked": Boolean(asked),
    }),
  ];
}

function facts(job) {
  const rows = [
    ["jobs.queue", name(job.queue)],
    ["jobs.attempt", t("job.attempt", { attempt: job.attempt, of: job.max_attempts })],
    ["jobs.progress_label", progress(job)],
    ["job.made", when(job.created_at)],
    ["job.due", when(job.run_at)],
    ["job.began", when(job.started_at)],
    ["job.ended", when(job.finished_at)],
    ["job.asked", when(job.cancel_requested_at)],
    ["job.expires", when(job.expires_at)],
    ["jobs.waited", !job.scheduled && duration(job.waited_s)],
    ["jobs.ran", job.ran_s !== null && duration(job.ran_s)],
    ["job.timeout", duration(job.timeout_s)],
    ["job.backoff", duration(job.backoff_s)],
    ["job.worker", job.lease_owner && name(job.lease_owner)],
    ["job.dedup_key", job.dedup_key && theirs(job.dedup_key)],
    ["job.run", job.run_id && [
      h("a", { href: `#/runs/${job.run_id}` }, t("job.open_run")), " ",
      button("of_run", t("job.its_jobs"), { class: "count", "data-id": job.run_id }),
    ]],
    ["job.trace", name(job.trace_id)],
    ["job.id", name(job.id)],
  ];
  return h("dl", { class: "facts wide card" },
    rows.filter(([, value]) => value).map(([key, value]) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, value))));
}

function cancelDialog({ state, name: called, asked }, cancel) {
  const isRunning = state === "running";
  const force = h("input", { type: "checkbox", id: "force", name: "force", "aria-describedby": "force-hint", checked: asked !== undefined });
  dialog({
    title: t(isRunning ? "job.stop.title" : "job.cancel.title"),
    body: [
      h("p", {}, h("strong", {}, name(called))),
      h("p", {}, t(isRunning ? "job.stop.body" : "job.cancel.body")),
      isRunning && h("label", { class: "check" }, force, h("span", {}, t("job.stop.force"), h("span", { class: "quiet", id: "force-hint" }, t("job.stop.force_hint", { seconds: number(10) })))),
    ],
    yes: t(isRunning ? "job.stop.yes" : "job.cancel.yes"),
    no: t("job.leave"),
    danger: true,
    submit: () => cancel(isRunning && force.checked),
  });
}
