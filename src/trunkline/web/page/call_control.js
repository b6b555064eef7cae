// What people can do with a live call, and what was done with it, by them and by its agent.

import { post } from "/page/api.js";
import { fill, h, phone, theirs } from "/page/dom.js";
import { clock, t, term } from "/page/i18n.js";
import { button, dialog, field } from "/page/parts.js";

/** Whether the last act that counts has put the caller on hold. */
const isHeld = (done) => done.filter(({ verb, state }) => ["hold", "resume"].includes(verb) && state === "done").at(-1)?.verb === "hold";

export function controls(call, done) {
  const act = (name) => button(name, t(`control.${name}`), { "data-id": call.id });
  // A call from a page can be ended, and nothing else.
  if (call.carrier === "browser") return h("div", { class: "tools", role: "group", "aria-label": t("control.label") }, act("hang_up"));
  return h("div", { class: "tools", role: "group", "aria-label": t("control.label") },
    [act("transfer"), act(isHeld(done) ? "resume" : "hold"), act("hang_up")]);
}

const doNow = (verb, path) => async ({ dataset: { id } }, app) => {
  await post(`/calls/${id}/${path}`);
  app.say(t(`control.now_${verb}`));
  await app.refresh();
};

export const controlActs = {
  hold: doNow("hold", "hold"),
  resume: doNow("resume", "resume"),
  hang_up: doNow("hang_up", "hang-up"),
  transfer({ dataset: { id } }, app) {
    dialog({
      title: t("control.transfer_title"),
      body: field(t("control.to"), h("input", { id: "transfer-to", name: "to", required: true, maxlength: 100, autocomplete: "off" })),
      yes: t("control.transfer"),
      no: t("dialog.not_now"),
      async submit(form) {
        await post(`/calls/${id}/transfer`, { to: form.elements.to.value });
        app.say(t("control.now_transfer"));
        await app.refresh();
      },
    });
  },
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
        act.data.why && h("span", { class: "quiet" }, " ", theirs(act.data.why)))),
  ]);
