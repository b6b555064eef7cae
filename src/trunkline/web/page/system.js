// The system as a system admin sees it: its workers, its queues over all businesses, its recurring jobs.

import { get } from "/page/api.js";
import { h, theirs } from "/page/dom.js";
import { number, t, when } from "/page/i18n.js";
import { duration, name } from "/page/jobs.js";
import { badge, heading, table, zoneNote } from "/page/parts.js";

const DEPTHS = ["ready", "scheduled", "running", "dead"];
const NOTHING = { ready: 0, scheduled: 0, running: 0, dead: 0, oldest_ready_s: null };

export const systemView = {
  title: () => t("system.title"),
  follows: () => false,
  isBusy: () => true,

  async load() {
    const [workers, queues, schedules] = await Promise.all([
      get("/admin/workers"), get("/admin/queues"), get("/admin/schedules"),
    ]);
    return { workers, ...queues, schedules };
  },

  draw({ workers, queues, businesses, ended, schedules }) {
    return [
      heading(t("system.title"),
        h("a", { href: "#/system-jobs" }, t("system.jobs")), h("a", { href: "/admin/rq/", target: "_blank", rel: "noopener" }, t("system.rq"))),
      zoneNote(),
      h("h2", {}, t("system.workers")),
      workers.length === 0 ? h("p", { class: "failure" }, t("system.no_workers")) : workerTable(workers),
      h("h2", {}, t("system.queues")),
      queueTable(queues, ended),
      h("h2", {}, t("system.businesses")),
      businesses.length === 0 ? h("p", { class: "quiet" }, t("jobs.at_rest")) : businessTable(businesses),
      h("h2", {}, t("system.schedules")),
      scheduleTable(schedules),
    ];
  },

  acts: {},
};

function workerTable(workers) {
  const columns = ["worker.process", "jobs.state", "worker.job", "worker.jobs_run", "worker.memory", "worker.heard", "worker.queues"];
  return table(t("system.workers"), columns.map((key) => t(key)), workers.map((worker) => ({
    key: worker.name,
    cells: [
      name(`${worker.host}:${worker.pid}`),
      badge("worker_state", worker.state),
      worker.job_name ? name(worker.job_name) : "–",
      number(worker.jobs_run),
      t("worker.mib", { mib: Math.round(worker.rss_bytes / 2 ** 20) }),
      h("span", { title: when(worker.beat_at) }, duration(worker.silent_s)),
      name(worker.queues.join(", ")),
    ],
  })));
}

function queueTable(queues, ended) {
  const names = [...new Set([...Object.keys(queues), ...Object.keys(ended)])].sort();
  if (names.length === 0) return h("p", { class: "quiet" }, t("jobs.at_rest"));
  const columns = ["jobs.queue", ...DEPTHS.map((key) => `depth.${key}`), "depth.oldest", "ended.succeeded", "ended.failed"];
  return table(t("system.queues"), columns.map((key) => t(key)), names.map((queue) => {
    const here = queues[queue] ?? NOTHING;
    const over = ended[queue] ?? {};
    return {
      key: queue,
      cells: [name(queue), ...depths(here), number(over.succeeded ?? 0), number(over.failed ?? 0)],
    };
  }));
}

function businessTable(businesses) {
  const columns = ["system.business", "jobs.queue", ...DEPTHS.map((key) => `depth.${key}`), "depth.oldest"];
  return table(t("system.businesses"), columns.map((key) => t(key)), businesses.map((row) => ({
    key: `${row.business_id} ${row.queue}`,
    cells: [row.business_id ? theirs(row.business ?? row.business_id) : h("a", { href: "#/system-jobs" }, t("system.itself")), name(row.queue), ...depths(row)],
  })));
}

const depths = (here) => [
  ...DEPTHS.map((key) => h("span", { class: "depth", "data-tone": here[key] > 0 ? key : undefined }, number(here[key]))),
  duration(here.oldest_ready_s),
];

function scheduleTable(schedules) {
  const columns = ["jobs.job", "jobs.queue", "schedule.rule", "schedule.last", "schedule.next", "schedule.fired", "schedule.missed"];
  return table(t("system.schedules"), columns.map((key) => t(key)), schedules.map((entry) => ({
    key: entry.name,
    cells: [
      name(entry.name),
      name(entry.queue),
      name(entry.rule),
      entry.fired_at ? when(entry.fired_at) : t("schedule.never"),
      [when(entry.next_tick), entry.overdue > 1 && h("p", { class: "warning" }, t("schedule.overdue", { overdue: entry.overdue }))],
      number(entry.fired),
      number(entry.missed),
    ],
  })));
}
