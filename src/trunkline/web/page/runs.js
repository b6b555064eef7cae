// Runs: the list of them, newest first.

import { get } from "/page/api.js";
import { fill, h } from "/page/dom.js";
import { t } from "/page/i18n.js";
import { button, empty, heading, zoneNote } from "/page/parts.js";
import { acts, isActive, note, runCard, takeIn, title } from "/page/run_card.js";
import { newRunDialog } from "/page/run_form.js";

const RUNS_SHOWN = 50;

export const runsView = {
  title: () => t("runs.title"),
  load: () => get("/runs"),
  follows: (kind) => /^(run|number)\.|^item\.progressed$/.test(kind),
  isBusy: (runs, isStreamed) => !isStreamed && runs.some(isActive),

  progress(runs, told) {
    const run = runs.find(({ id }) => id === told.run_id);
    return run !== undefined && takeIn(run, told);
  },

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
    ...acts,
    new_run: (_element, app) => newRunDialog(app, (run, said) => note(run.id, said ?? { notice: made(run) })),
  },
};

const made = (run) => () => fill(t("run.now_created"), { title: title(run) });
