// Who is at the page: signing in, and a system admin's choice of a business.

import { get, post } from "/page/api.js";
import { h, theirs } from "/page/dom.js";
import { t } from "/page/i18n.js";
import { button, empty, failure, field, heading } from "/page/parts.js";

/** The sign-in form. Calls `entered(me)` when the server has let the person in. */
export function signInForm({ notice, entered }) {
  const errors = h("div", {});
  const send = h("button", { class: "primary" }, t("sign_in.button"));
  const email = h("input", {
    id: "email", name: "email", type: "email", autocomplete: "username", required: true, dir: "ltr", autofocus: true,
  });
  const password = h("input", {
    id: "password", name: "password", type: "password", autocomplete: "current-password", required: true, dir: "ltr",
  });
  if (notice) errors.append(h("p", { class: "notice", role: "status" }, notice));

  async function submit(event) {
    event.preventDefault();
    send.disabled = true;
    send.textContent = t("sign_in.busy");
    errors.replaceChildren();
    try {
      entered(await post("/sign-in", { email: email.value, password: password.value }));
    } catch (error) {
      errors.replaceChildren(failure(error));
      password.select();
      password.focus();
    } finally {
      send.disabled = false;
      send.textContent = t("sign_in.button");
    }
  }

  return h("form", { class: "card sign-in", on: { submit } },
    h("h1", { tabindex: -1 }, t("sign_in.title")),
    h("p", { class: "quiet" }, t("sign_in.intro")),
    errors,
    field(t("sign_in.email"), email),
    field(t("sign_in.password"), password),
    send);
}

/** A system admin's first page: every business, and a way into each. */
export const businessesView = {
  title: () => t("admin.title"),
  load: () => get("/admin/businesses"),
  follows: () => false,
  isBusy: () => false,

  draw(businesses) {
    if (businesses.length === 0) return [heading(t("admin.title")), empty(t("admin.none.title"), t("admin.none.body"))];
    return [
      heading(t("admin.title")),
      h("p", { class: "quiet" }, t("admin.intro")),
      h("ul", { class: "plain stack" },
        businesses.map(({ id, name, time_zone: zone }) =>
          h("li", { class: "card line", "data-key": id },
            h("span", { class: "grow" }, h("strong", {}, theirs(name)), " ", h("bdi", { class: "quiet", dir: "ltr" }, zone)),
            button("enter", t("admin.enter"), { "data-id": id, "aria-label": t("admin.enter_named", { name }) })))),
    ];
  },

  acts: {
    async enter(element, app) {
      await post("/admin/enter-business", { business_id: element.dataset.id });
      await app.begin("#/runs");
    },
  },
};
