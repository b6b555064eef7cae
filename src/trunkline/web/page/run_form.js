// The form of a new run: whom, by which agent, from which numbers, how, and when it begins.

import { get, post } from "/page/api.js";
import { fill, h, theirs } from "/page/dom.js";
import { instant, isolatedNumber, t, term, when, zoneName } from "/page/i18n.js";
import { leadPicker } from "/page/lead_picker.js";
import { complaint, dialog, failure, field } from "/page/parts.js";

const LINES_AT_MOST = 10;
const LINES_AT_FIRST = 3;
const CHOSEN_AT_MOST = 200;
const AT_ONCE = 3;
const DIALS_AT_MOST = 10;
const RETRYABLE = ["busy", "no_answer", "failed", "voicemail", "no_response", "no_conversation", "cut_off", "our_fault"];

/** Ask for a new run; `made(run, outcome)` is told of it, and of a start that was refused, before the view is drawn. */
export async function newRunDialog(app, made) {
  const found = await ask("new_run.title", [get("/lead-lists"), get("/agents"), get("/business/numbers"), leadPicker({ most: CHOSEN_AT_MOST })]);
  if (!found) return;
  const [lists, agents, numbers, picker] = found;
  const usable = lists.filter(({ leads }) => leads > 0);
  if (teach("new_run.title", usable, agents, numbers)) return;

  const whom = whomFields(usable, picker);
  const name = input("run-title", { required: true, maxlength: 200, dir: "auto", autocomplete: "off" });
  name.value = usable[0].name;
  let isOwn = false;
  name.addEventListener("input", () => (isOwn = true));
  // A title that nobody has typed is the chosen list's; of people chosen in another way it tells nothing.
  const suggest = () => {
    if (!isOwn) name.value = whom.way.value === "list" ? usable.find(({ id }) => id === whom.list.value).name : "";
  };
  whom.list.addEventListener("change", suggest);
  whom.way.addEventListener("change", suggest);
  const by = callerFields(agents, numbers);
  const how = howFields(app.business.max_outbound_calls, numbers, by.from);
  const begin = beginFields();

  const box = dialog({
    title: t("new_run.title"),
    body: [whom.fields, field(t("new_run.name"), name), by.fields, how.fields, begin.fields],
    yes: t("new_run.make"),
    busy: t("new_run.busy"),
    no: t("dialog.not_now"),
    async submit() {
      if (whom.way.value === "chosen" && picker.chosen().length === 0) return nobody(box);
      const run = await post("/runs", { title: name.value, ...whom.value(), options: { ...by.value(), ...how.value() } });
      made(run, await begin.perform(run));
      await app.refresh();
      return undefined;
    },
  });
}

/** Call one to three people at once. */
export async function callNowDialog() {
  const found = await ask("call_now.title", [get("/agents"), get("/business/numbers"), leadPicker({ most: AT_ONCE })]);
  if (!found) return;
  const [agents, numbers, picker] = found;
  if (teach("call_now.title", [true], agents, numbers)) return;
  const by = callerFields(agents, numbers);
  const box = dialog({
    title: t("call_now.title"),
    body: [h("p", {}, t("call_now.body")), picker.element, by.fields],
    yes: t("call_now.yes"),
    busy: t("call_now.busy"),
    no: t("dialog.not_now"),
    async submit() {
      if (picker.chosen().length === 0) return nobody(box);
      const run = await post("/runs/dial-now", { lead_ids: picker.chosen(), options: by.value() });
      location.hash = `#/runs/${run.id}`;
      return undefined;
    },
  });
}

/** Say that nobody is chosen, and leave the form open. */
function nobody(box) {
  box.errors.replaceChildren(complaint(t("pick.nobody")));
  return "stay";
}

async function ask(title, questions) {
  try {
    return await Promise.all(questions);
  } catch (error) {
    dialog({ title: t(title), body: failure(error), no: t("close") });
    return null;
  }
}

const input = (id, properties) => h("input", { id, ...properties });
const count = (id, min, max, value, more = {}) => input(id, { type: "number", min, max, value, ...more });
const options = (rows, label) => rows.map((row) => h("option", { value: row.id }, label(row)));

function whomFields(lists, picker) {
  const counted = ({ name, leads }) => t("new_run.option", { name, leads: t("leads.count", { n: leads }) });
  const list = h("select", { id: "run-list", required: true }, options(lists, counted));
  const search = input("run-search", { dir: "auto", maxlength: 200, autocomplete: "off" });
  const way = h("select", { id: "run-whom" }, ["list", "filter", "everybody", "chosen"].map((code) => h("option", { value: code }, t(`new_run.whom.${code}`))));
  const parts = {
    list: field(t("new_run.list"), list),
    filter: field(t("new_run.search"), search),
    chosen: picker.element,
  };
  const settle = () => {
    for (const [code, part] of Object.entries(parts)) part.hidden = code !== way.value;
    search.required = way.value === "filter";
  };
  way.addEventListener("change", settle);
  settle();
  const wanted = {
    list: () => ({ list_id: list.value }),
    filter: () => ({ filter: { search: search.value.trim() } }),
    everybody: () => ({ filter: { everybody: true } }),
    chosen: () => ({ lead_ids: picker.chosen() }),
  };
  return { list, way, fields: [field(t("new_run.whom"), way), Object.values(parts)], value: () => wanted[way.value]() };
}

function callerFields(agents, numbers) {
  const agent = h("select", { id: "run-agent", required: true }, options(agents, ({ name }) => name));
  const from = h("select", { id: "run-from", required: true },
    numbers.map(({ e164 }) => h("option", { value: e164 }, isolatedNumber(e164))));
  return {
    from,
    fields: [field(t("new_run.agent"), agent), field(t("new_run.from"), from)],
    value: () => ({ agent_id: agent.value, from_number: from.value }),
  };
}

function howFields(lines, numbers, from) {
  const concurrency = count("run-concurrency", 1, LINES_AT_MOST, Math.min(LINES_AT_FIRST, lines), { required: true });
  const priority = count("run-priority", -100, 100, 0, { required: true });
  const attempts = count("run-attempts", 1, DIALS_AT_MOST, 1, { required: true });
  const delay = count("run-delay", 0, 43_200, 30, { required: true });
  const ramp = count("run-ramp", 1, 10, undefined);
  const pool = numbers.map(({ e164 }) => ({ e164, box: h("input", { type: "checkbox", value: e164 }) }));
  const near = h("input", { type: "checkbox", id: "run-near" });
  const rules = RETRYABLE.map((code) => ({
    code,
    times: count(`retry-${code}`, 0, DIALS_AT_MOST - 1, undefined, { "aria-label": t("new_run.retry_times", { outcome: term("disposition", code) }) }),
    minutes: count(`retry-${code}-delay`, 0, 43_200, 30, { "aria-label": t("new_run.retry_delay", { outcome: term("disposition", code) }) }),
  }));
  // A rule that asks for more dials than a lead may have would do nothing.
  const allow = () => {
    const asked = Math.max(...rules.map(({ times }) => (times.valueAsNumber || 0) + 1));
    if (attempts.valueAsNumber < asked) attempts.value = Math.min(asked, DIALS_AT_MOST);
  };
  for (const each of [attempts, ...rules.map(({ times }) => times)]) each.addEventListener("change", allow);
  const isMore = numbers.length > 1;
  return {
    fields: [
      field(t("new_run.concurrency"), concurrency, t("new_run.concurrency_hint", { n: lines })),
      h("details", { class: "more" }, h("summary", {}, t("new_run.more")),
        isMore && h("fieldset", {}, h("legend", {}, t("new_run.pool")),
          pool.map(({ e164, box }) => h("label", { class: "check" }, box, isolatedNumber(e164))),
          h("label", { class: "check" }, near, t("new_run.near"))),
        field(t("new_run.priority"), priority, t("new_run.priority_hint")),
        field(t("new_run.ramp"), ramp, t("new_run.ramp_hint")),
        field(t("new_run.attempts"), attempts),
        field(t("new_run.delay"), delay),
        h("fieldset", {}, h("legend", {}, t("new_run.retries")), h("p", { class: "quiet" }, t("new_run.retries_hint")),
          rules.map(({ code, times, minutes }) =>
            h("div", { class: "line rule" }, h("span", { class: "grow" }, term("disposition", code)), times, t("new_run.times"), minutes, t("new_run.minutes"))))),
    ],
    value: () => ({
      concurrency: concurrency.valueAsNumber,
      priority: priority.valueAsNumber,
      max_attempts: attempts.valueAsNumber,
      retry_delay_s: delay.valueAsNumber * 60,
      ramp_up_per_minute: ramp.value ? ramp.valueAsNumber : null,
      caller_ids: pool.filter(({ e164, box }) => box.checked && e164 !== from.value).map(({ e164 }) => e164),
      local_presence: near.checked,
      retries: Object.fromEntries(rules.filter(({ times }) => times.value !== "")
        .map(({ code, times, minutes }) => [code, { times: times.valueAsNumber, delay_s: (minutes.valueAsNumber || 0) * 60 }])),
    }),
  };
}

function beginFields() {
  const way = h("select", { id: "run-begin" }, ["draft", "now", "later"].map((code) => h("option", { value: code }, t(`new_run.begin.${code}`))));
  const at = input("run-at", { type: "datetime-local" });
  const moment = field(t("schedule.at"), at, t("schedule.hint", { zone: zoneName() }));
  const settle = () => {
    moment.hidden = way.value !== "later";
    at.required = way.value === "later";
  };
  way.addEventListener("change", settle);
  settle();
  /** Begin the run as was asked. The run is there already: what is refused now is told beside it. */
  async function perform(run) {
    try {
      if (way.value === "now") {
        const { state } = await post(`/runs/${run.id}/start`);
        return { notice: () => fill(t("run.now_started"), { title: theirs(run.title) }), state };
      }
      if (way.value === "later") {
        const startsAt = instant(at.value);
        await post(`/runs/${run.id}/schedule`, { starts_at: startsAt });
        return { notice: () => t("run.now_scheduled", { when: when(startsAt) }), state: run.state };
      }
    } catch (error) {
      return { error };
    }
    return undefined;
  }
  return { fields: [field(t("new_run.begin"), way), moment], perform };
}

/** Say what must be there before anybody can be called, and where it is made. True if something is missing. */
function teach(title, lists, agents, numbers) {
  const missing = [
    lists.length === 0 && "new_run.needs_list",
    agents.length === 0 && "new_run.needs_agent",
    numbers.length === 0 && "new_run.needs_number",
  ].filter(Boolean);
  if (missing.length === 0) return false;
  const box = dialog({
    title: t(title),
    body: [
      missing.map((key) => h("p", {}, t(key))),
      missing.includes("new_run.needs_list") &&
        h("p", {}, h("a", { href: "#/lists", on: { click: () => box.close() } }, t("new_run.go_lists"))),
    ],
    no: t("close"),
  });
  return true;
}
