// What people can do with a live call, and what was done with it, by them and by its agent.

import { post } from "/page/api.js";
import { fill, h, phone, theirs } from "/page/dom.js";
import { clock, t, term } from "/page/i18n.js";
import { attempt, button } from "/page/parts.js";

/** Whether the last act that counts has put the caller on hold. */
const isHeld = (done) => done.filter(({ verb, state }) => ["hold", "resume"].includes(verb) && state === "done").at(-1)?.verb === "hold";

export function controls(call, done) {
  return h("form", { class: "line card", "data-act": "transfer", "data-id": call.id, "aria-label": t("control.label") },
    h("label", { class: "check" }, t("control.to"), h("input", { id: "transfer-to", name: "to", required: true, maxlength: 100, autocomplete: "off" })),
    h("button", {}, t("control.transfer")),
    isHeld(done)
      ? button("resume", t("control.resume"), { type: "button", "data-id": call.id })
      : button("hold", t("control.hold"), { type: "button", "data-id": call.id }),
    button("hang_up", t("control.hang_up"), { type: "button", "data-id": call.id }));
}

const tell = (verb, path, body) => ({ dataset: { id } }, app) =>
  attempt(id, app, async () => {
    await post(`/calls/${id}/${path}`, body);
    return { notice: () => t(`control.now_${verb}`) };
  });

export const controlActs = {
  hold: tell("hold", "hold"),
  resume: tell("resume", "resume"),
  hang_up: tell("hang_up", "hang-up"),
  transfer: (form, app) => tell("transfer", "transfer", { to: form.elements.to.value })(form, app),
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
