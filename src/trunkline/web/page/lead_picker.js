// Choosing people by hand: the newest leads with a box before each, narrowed by what is typed.

import { get } from "/page/api.js";
import { h, phone, theirs } from "/page/dom.js";
import { t } from "/page/i18n.js";

const NEWEST = 200;

/** Read the newest leads and return `{element, chosen()}`; no more than `most` can be chosen. */
export async function leadPicker({ most }) {
  const rows = (await get("/leads", { limit: NEWEST })).leads.map(row);
  const search = h("input", { type: "search", id: "lead-search", "aria-label": t("pick.search"), placeholder: t("pick.search"), autocomplete: "off" });
  const said = h("p", { class: "quiet", role: "status" });
  const list = h("div", { class: "pick" }, rows.map(({ element }) => element));

  const chosen = () => rows.filter(({ box }) => box.checked).map(({ lead }) => lead.id);
  function settle() {
    const count = chosen().length;
    said.textContent = t("pick.chosen", { count, most });
    for (const { box } of rows) box.disabled = !box.checked && count >= most;
  }
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const { element, text } of rows) element.hidden = !text.includes(wanted);
  });
  list.addEventListener("change", settle);
  settle();
  return { element: h("div", { class: "field" }, search, list, said), chosen };
}

function row(lead) {
  const box = h("input", { type: "checkbox", value: lead.id });
  const element = h("label", { class: "check" }, box, h("span", {}, lead.name && [theirs(lead.name), " "], phone(lead.phone)));
  return { lead, box, element, text: `${lead.name} ${lead.phone}`.toLowerCase() };
}
