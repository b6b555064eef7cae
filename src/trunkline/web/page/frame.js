// The frame around every view: the wordmark, the way to the other pages, the language switch, and the
// notices that concern the whole page.

import { ApiError } from "/page/api.js";
import { fill, h, theirs } from "/page/dom.js";
import { current, languages, t } from "/page/i18n.js";
import { button } from "/page/parts.js";

const inBusiness = ({ business }) => business;
const seesJobs = ({ me, business }) => business && (me.is_system_admin || ["admin", "owner"].includes(me.role));
const isSystemAdmin = ({ me }) => me?.is_system_admin;

/** Each page of the navigation: its address, its name, and who is shown it. */
const PAGES = [
  ["#/runs", "nav.runs", inBusiness],
  ["#/lists", "nav.lists", inBusiness],
  ["#/calls", "nav.calls", inBusiness],
  ["#/appointments", "nav.appointments", inBusiness],
  ["#/agents", "nav.agents", inBusiness],
  ["#/jobs", "nav.jobs", seesJobs],
  ["#/businesses", "nav.businesses", (state) => isSystemAdmin(state) && !state.business],
  ["#/system", "nav.system", isSystemAdmin],
];

/** Draw the frame with `content` in it; `key` tells one view from another. */
export function drawFrame(state, { key, content, lostAt }) {
  return [
    h("a", { class: "skip", href: "#content", "data-act": "skip" }, t("skip")),
    top(state, key),
    insideBanner(state),
    state.lost && h("p", { class: "band lost", role: "status", "data-key": "lost" }, lostSentence(state.lost, lostAt)),
    state.broken && h("p", { class: "band broken", role: "alert", "data-key": "broken" }, t("error.page")),
    h("main", { id: "content", tabindex: -1 }, h("div", { class: "view", "data-key": `view ${key ?? ""}` }, content)),
  ];
}

function top(state, key) {
  const { me, business } = state;
  const pages = PAGES.filter(([, , isShown]) => isShown(state));
  return h("header", { class: "top" },
    h("a", { class: "wordmark", href: "#/", translate: "no" }, "Trunk", h("span", {}, "line")),
    pages.length > 0 && h("nav", { "aria-label": t("nav.label") },
      pages.map(([address, label]) =>
        h("a", { href: address, "aria-current": key?.startsWith(address) ? "page" : undefined }, t(label)))),
    h("div", { class: "who" },
      business && h("span", { class: "business", title: me.email }, theirs(business.name)),
      switcher(),
      me && button("sign_out", t("sign_out"))));
}

/** A select of languages, each in its own name. */
function switcher() {
  return h("select", { "data-language": true, "data-key": `language ${current()}`, "aria-label": t("language.label") },
    languages.map(({ code, name }) => h("option", { value: code, lang: code, selected: code === current() }, name)));
}

function insideBanner({ me, business }) {
  if (!me?.is_system_admin || !business) return null;
  return h("div", { class: "band inside", role: "note", "data-key": "inside" },
    h("span", {}, fill(t("admin.inside"), { name: h("strong", {}, theirs(business.name)) })),
    h("a", { href: "#/businesses" }, t("admin.other")));
}

function lostSentence(error, lostAt) {
  if (error instanceof ApiError) return t("lost.not_ready");
  return lostAt ? t("lost.notice", { at: lostAt }) : t("lost.notice_first");
}
