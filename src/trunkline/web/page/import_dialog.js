// The dialog that imports a file: which file, as which list, and what each of its columns holds.

import { upload } from "/page/api.js";
import { h, theirs } from "/page/dom.js";
import { t, term, translated } from "/page/i18n.js";
import { dialog, failure, field, table } from "/page/parts.js";

const SHOWN = ["phone", "name", "email", "notes", "consent"];

export function importDialog(app) {
  const name = h("input", { id: "list-name", name: "name", required: true, maxlength: 200, dir: "auto", autocomplete: "off" });
  const file = h("input", { id: "list-file", name: "file", type: "file", accept: ".csv,.tsv,.txt,.xlsx", required: true });
  const seen = h("div", { class: "stack", "aria-live": "polite" });
  /** Our field -> its column, as the file's preview has found it and the person has corrected it. */
  let mapping = null;
  let asked = 0;

  file.addEventListener("change", () => {
    mapping = null;
    seen.replaceChildren();
    if (!file.files[0]) return;
    if (!name.value) name.value = file.files[0].name.replace(/\.[^.]*$/, "");
    preview();
  });

  /** Show what would be read; the answer to the newest question counts. */
  async function preview() {
    const mine = ++asked;
    const form = new FormData();
    form.append("file", file.files[0]);
    if (mapping) form.append("mapping", JSON.stringify(mapping));
    try {
      const answer = await upload("/lead-imports/preview", form);
      if (mine !== asked) return;
      mapping = Object.fromEntries(answer.columns.filter((column) => column.field).map(({ field: key, column }) => [key, column]));
      show(answer);
    } catch (error) {
      if (mine !== asked) return;
      const rows = seen.querySelector("[data-part=rows]");
      if (rows) rows.replaceChildren(failure(error));
      else seen.replaceChildren(failure(error));
    }
  }

  function show({ columns, fields, rows }) {
    const held = document.activeElement?.id;
    seen.replaceChildren(
      h("fieldset", { class: "fields" },
        h("legend", {}, t("import.columns")),
        columns.map((column) => choice(column, fields))),
      h("div", { "data-part": "rows" }, rows.length > 0 && sample(rows)));
    if (held?.startsWith("column-")) document.getElementById(held)?.focus();
  }

  function choice({ column, header, field: key }, fields) {
    const options = ["", ...fields].map((value) =>
      h("option", { value, selected: value === (key ?? "") }, t(value ? `import.field.${value}` : "import.field.none")));
    const select = h("select", { id: `column-${column}` }, options);
    select.addEventListener("change", () => {
      mapping = Object.fromEntries(Object.entries(mapping).filter(([other, at]) => at !== column && other !== select.value));
      if (select.value) mapping[select.value] = column;
      for (const other of seen.querySelectorAll("select")) {
        if (other !== select && other.value === select.value) other.value = "";
      }
      preview();
    });
    return field(header ? theirs(header) : t("import.column", { n: column }), select);
  }

  dialog({
    title: t("import.title"),
    body: [field(t("import.file"), file, t("import.file_hint")), field(t("import.name"), name), seen],
    yes: t("import.button"),
    busy: t("import.busy"),
    no: t("dialog.not_now"),
    async submit() {
      asked += 1; // a preview that is still under way would speak of what is being imported
      seen.querySelector(".failure")?.remove();
      const form = new FormData();
      form.append("name", name.value);
      form.append("file", file.files[0]);
      if (mapping) form.append("mapping", JSON.stringify(mapping));
      await upload("/lead-imports", form);
      await app.refresh();
    },
  });
}

/** The first rows as they would be read, or why one could not be used. */
function sample(rows) {
  const first = rows.slice(0, 5);
  const keys = SHOWN.filter((key) => first.some((row) => row[key] && row[key] !== "none"));
  const hasFaults = first.some((row) => row.reason);
  const columns = [t("import.line"), ...keys.map((key) => t(`import.field.${key}`)), ...(hasFaults ? [t("import.reason")] : [])];
  return h("div", { class: "scroll" }, table(t("import.sample"), columns, first.map((row) => ({
    key: `line ${row.line}`,
    cells: [
      String(row.line),
      ...keys.map((key) => (row[key] && row[key] !== "none" ? theirs(key === "consent" ? term("consent", row[key]) : row[key]) : "")),
      ...(hasFaults ? [row.reason ? translated(row.reason) ?? theirs(row.reason) : ""] : []),
    ],
  }))));
}
