// What people can do with a live call, and what was done with it, by them and by its agent.

import { post } from "/page/api.js";
import { fill, h, phone, theirs } from "/page/dom.js";
import { clock, length, t, term } from "/page/i18n.js";
import { button, dialog, field } from "/page/parts.js";

/** The acts that the server says are possible with the call now. */
export function controls(call, possible) {
  const act = (name) => button(name, t(`control.${name}`), { "data-id": call.id });
  return h("div", { class: "tools", role: "group", "aria-label": t("control.label") }, possible.map(act));
}

const doNow = (verb, path) => async ({ dataset: { id } }, app) => {
  await post(`/calls/${id}/${path}`);
  app.say(t(`control.now_${verb}`));
  await app.refresh();
};

/** Ask for what an act needs, then do it. `fields` are made anew for each dialog; their names are the body's. */
const askFirst = (verb, path, fields) => ({ dataset: { id } }, app) => {
  const asked = fields();
  dialog({
    title: t(`control.${verb}_title`),
    body: asked,
    yes: t(`control.${verb}`),
    no: t("dialog.not_now"),
    async submit(form) {
      const inputs = [...form.elements].filter(({ name }) => name);
      await post(`/calls/${id}/${path}`, Object.fromEntries(inputs.map(({ name, value }) => [name, value])));
      app.say(t(`control.now_${verb}`));
      await app.refresh();
    },
  });
};

const whom = () =>
  field(t("control.to"), h("input", { id: "control-to", name: "to", required: true, maxlength: 100, autocomplete: "off" }), t("control.to_hint"));

const text = (name, most, required) =>
  field(t(`control.${name}`), h("textarea", { id: `control-${name}`, name, required, maxlength: most, rows: 3, dir: "auto" }), t(`control.${name}_hint`));

const keys = () =>
  field(t("control.digits"), h("input", {
    id: "control-digits", name: "digits", required: true, maxlength: 64, pattern: "[0-9*#wW]+", inputmode: "tel", dir: "ltr", autocomplete: "off",
  }), t("control.digits_hint"));

export const controlActs = {
  hold: doNow("hold", "hold"),
  resume: doNow("resume", "resume"),
  hang_up: doNow("hang_up", "hang-up"),
  transfer: askFirst("transfer", "transfer", () => [whom()]),
  warm_transfer: askFirst("warm_transfer", "warm-transfer", () => [whom(), text("summary", 600, false)]),
  send_digits: askFirst("send_digits", "digits", () => [keys()]),
  drop_message: askFirst("drop_message", "drop-message", () => [text("message", 1000, true)]),
};

/** Each act as a line of the transcript, with the moment that it was asked for. */
export const controlLines = (done) =>
  done.map((act) => [
    act.created_at,
    h("li", { class: "said aside", "data-key": act.id, "data-kind": "control", "data-verb": act.verb, "data-state": act.state },
      h("time", { class: "quiet number", datetime: act.created_at }, clock(act.created_at)),
      h("div", { class: "what" },
        fill(t("said.control"), { verb: term("control_verb", act.verb), state: term("control_state", act.state) }),
        act.target && [" ", phone(act.target)],
        act.verb === "voicemail" && act.data.duration_s > 0
          && h("span", { class: "quiet" }, " ", t("control.kept_message", { length: length(act.data.duration_s) })),
        act.data.why && h("span", { class: "quiet" }, " ", theirs(term("control_why", act.data.why))))),
  ]);
