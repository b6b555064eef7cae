// The form of a new run: which list, which agent, from which number, how many calls at once.

import { get, post } from "/page/api.js";
import { h } from "/page/dom.js";
import { isolatedNumber, t } from "/page/i18n.js";
import { dialog, failure, field } from "/page/parts.js";

const LINES_AT_MOST = 10;
const LINES_AT_FIRST = 3;

/** Ask for a new run; `made(run)` is told of it before the view is drawn again. */
export async function newRunDialog(app, made) {
  let lists;
  let agents;
  let numbers;
  try {
    [lists, agents, numbers] = await Promise.all([get("/lead-lists"), get("/agents"), get("/business/numbers")]);
  } catch (error) {
    dialog({ title: t("new_run.title"), body: failure(error), no: t("close") });
    return;
  }
  const usable = lists.filter(({ leads }) => leads > 0);
  const missing = [
    usable.length === 0 && "new_run.needs_list",
    agents.length === 0 && "new_run.needs_agent",
    numbers.length === 0 && "new_run.needs_number",
  ].filter(Boolean);
  if (missing.length > 0) return void teach(missing);

  const options = (rows, label) => rows.map((row) => h("option", { value: row.id }, label(row)));
  const counted = ({ name, leads }) => t("new_run.option", { name, leads: t("leads.count", { n: leads }) });
  const list = h("select", { id: "run-list", required: true }, options(usable, counted));
  const agent = h("select", { id: "run-agent", required: true }, options(agents, ({ name }) => name));
  const from = h("select", { id: "run-from", required: true },
    numbers.map(({ e164 }) => h("option", { value: e164 }, isolatedNumber(e164))));
  const lines = app.business.max_outbound_calls;
  const concurrency = h("input", {
    id: "run-concurrency", type: "number", min: 1, max: LINES_AT_MOST, required: true,
    value: Math.min(LINES_AT_FIRST, lines),
  });
  const name = h("input", { id: "run-title", required: true, maxlength: 200, dir: "auto", autocomplete: "off" });
  name.value = usable[0].name;
  let isOwn = false;
  name.addEventListener("input", () => (isOwn = true));
  list.addEventListener("change", () => {
    if (!isOwn) name.value = usable.find(({ id }) => id === list.value).name;
  });

  dialog({
    title: t("new_run.title"),
    body: [
      field(t("new_run.list"), list),
      field(t("new_run.name"), name),
      field(t("new_run.agent"), agent),
      field(t("new_run.from"), from),
      field(t("new_run.concurrency"), concurrency, t("new_run.concurrency_hint", { n: lines })),
    ],
    yes: t("new_run.make"),
    busy: t("new_run.busy"),
    no: t("dialog.not_now"),
    async submit() {
      const run = await post("/runs", {
        title: name.value,
        list_id: list.value,
        options: { agent_id: agent.value, from_number: from.value, concurrency: concurrency.valueAsNumber },
      });
      made(run);
      await app.refresh();
    },
  });
}

/** Say what must be there before a run can be made, and where it is made. */
function teach(missing) {
  const box = dialog({
    title: t("new_run.title"),
    body: [
      missing.map((key) => h("p", {}, t(key))),
      missing.includes("new_run.needs_list") &&
        h("p", {}, h("a", { href: "#/lists", on: { click: () => box.close() } }, t("new_run.go_lists"))),
    ],
    no: t("close"),
  });
}
