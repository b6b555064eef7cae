// The small parts that several views draw with: badges, tables, empty states, errors, dialogs.

import { ApiError } from "/page/api.js";
import { fill, h } from "/page/dom.js";
import { t, term, translated, zoneName } from "/page/i18n.js";

/** A state as a word with a colour; the word alone says it too. */
export const badge = (family, code) => h("span", { class: "badge", "data-tone": code }, term(family, code));

/** A view's heading with what can be done there. */
export const heading = (title, ...tools) =>
  h("header", { class: "heading" }, h("h1", { tabindex: -1 }, title), h("div", { class: "tools" }, tools));

/** What stands where nothing is yet, and teaches what will. */
export const empty = (title, body, ...tools) =>
  h("section", { class: "empty" }, h("h2", {}, title), h("p", {}, body), h("div", { class: "tools" }, tools));

export const button = (action, label, properties = {}) =>
  h("button", { type: "button", "data-act": action, ...properties }, label);

export const zoneNote = () =>
  h("p", { class: "quiet" }, fill(t("zone.note"), { zone: h("bdi", { dir: "ltr" }, zoneName()) }));

/**
 * A table that becomes a stack of small cards where the window is narrow; the roles keep it a table
 * for a screen reader there too. `rows` are `{key, cells}`, each cell a node or text.
 */
export function table(caption, columns, rows) {
  return h(
    "table", { role: "table" },
    h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" },
      h("tr", { role: "row" }, columns.map((column) => h("th", { role: "columnheader", scope: "col" }, column)))),
    h("tbody", { role: "rowgroup" },
      rows.map(({ key, cells }) =>
        h("tr", { role: "row", "data-key": key },
          cells.map((cell, at) => h("td", { role: "cell", "data-label": columns[at] }, h("div", {}, cell)))))),
  );
}

/**
 * What went wrong, in a sentence, with what to do about it. The server's sentence is said in the page's
 * language where the dictionary knows it, and as it came where not.
 */
export function failure(error, ...more) {
  const lines = error instanceof ApiError ? refusal(error) : [t("error.no_answer")];
  return h("div", { class: "failure", role: "alert" }, lines.map((line) => h("p", {}, line)), more);
}

function refusal(error) {
  if (error.status >= 500 && error.code === "internal_error") {
    return [t("error.internal_error"), error.traceId && t("error.trace", { trace: error.traceId })].filter(Boolean);
  }
  const ours = translated(error.message);
  const sentence = ours ?? [t("error.generic"), " ", h("bdi", { dir: "auto" }, error.message)];
  const faults = (error.data.faults ?? [])
    .filter((fault) => fault.path !== undefined)
    .map((fault) => h("bdi", { dir: "auto" }, t("error.faults", fault)));
  const hint = { not_found: "hint.not_found", forbidden: HINTS[error.data.reason] }[error.code];
  return [sentence, ...faults, hint && t(hint)].filter(Boolean);
}

const HINTS = { insufficient_role: "hint.insufficient_role" };

/** What is missing from a form, in the page's own words. */
export const complaint = (sentence) => h("div", { class: "failure", role: "alert" }, h("p", {}, sentence));

/** A labelled field of a form; `hint` is tied to it for a screen reader. */
export function field(label, input, hint) {
  const { id } = input;
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field" },
    h("label", { for: id }, label), input, hint && h("p", { class: "quiet", id: `${id}-hint` }, hint));
}

/**
 * Show a modal form. `submit` is awaited with the form; what it throws is shown inside and the form stays,
 * otherwise the dialog closes. Returns what the caller may need to change the dialog with.
 */
export function dialog({ title, body, yes, busy, no, submit, danger = false }) {
  const errors = h("div", {});
  const send = yes && h("button", { class: danger ? "danger" : "primary" }, yes);
  const close = () => box.close();
  const content = h("div", { class: "fields" }, body);
  const form = h("form", { method: "dialog", on: { submit: onSubmit } },
    h("h2", { id: "dialog-title" }, title), content, errors,
    h("div", { class: "tools" }, send, h("button", { type: "button", on: { click: close } }, no)));
  const box = h("dialog", { "aria-labelledby": "dialog-title", on: { close: () => box.remove() } }, form);

  async function onSubmit(event) {
    event.preventDefault();
    send.disabled = true;
    send.textContent = busy ?? yes;
    errors.replaceChildren();
    try {
      if ((await submit(form)) !== "stay") box.close();
    } catch (error) {
      errors.replaceChildren(failure(error));
    }
    send.disabled = false;
    send.textContent = yes;
  }

  document.body.append(box);
  box.showModal();
  return { close, form, content, errors };
}
