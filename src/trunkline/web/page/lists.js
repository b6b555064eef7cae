// Lists of leads: which there are, and importing one from a CSV file with the faults of its rows.

import { get, upload } from "/page/api.js";
import { fill, h, theirs } from "/page/dom.js";
import { number, t, translated, when } from "/page/i18n.js";
import { button, dialog, empty, field, heading, table, zoneNote } from "/page/parts.js";
import { callNowDialog } from "/page/run_form.js";

export const listsView = {
  title: () => t("lists.title"),
  load: () => get("/lead-lists"),
  follows: (kind) => kind.startsWith("list."),
  isBusy: () => false,

  draw(lists, app) {
    const add = app.may("agent") && button("import", t("lists.import"), { class: "primary" });
    const call = app.may("agent") && button("call_now", t("call_now.button"));
    if (lists.length === 0) return [heading(t("lists.title")), empty(t("lists.none.title"), t("lists.none.body"), add)];
    const columns = [t("lists.name"), t("lists.leads"), t("lists.created")];
    return [
      heading(t("lists.title"), call, add),
      zoneNote(),
      table(t("lists.title"), columns, lists.map((list) => ({
        key: list.id,
        cells: [theirs(list.name), number(list.leads), when(list.created_at)],
      }))),
    ];
  },

  acts: { import: (_element, app) => importDialog(app), call_now: callNowDialog },
};

function importDialog(app) {
  const name = h("input", { id: "list-name", name: "name", required: true, maxlength: 200, dir: "auto", autocomplete: "off" });
  const file = h("input", { id: "list-file", name: "file", type: "file", accept: ".csv,text/csv,text/plain", required: true });
  file.addEventListener("change", () => {
    if (!name.value && file.files[0]) name.value = file.files[0].name.replace(/\.[^.]*$/, "");
  });
  const box = dialog({
    title: t("import.title"),
    body: [field(t("import.file"), file, t("import.file_hint")), field(t("import.name"), name)],
    yes: t("import.button"),
    busy: t("import.busy"),
    no: t("dialog.not_now"),
    async submit() {
      const form = new FormData();
      form.append("name", name.value);
      form.append("file", file.files[0]);
      const result = await upload("/lead-lists", form);
      await app.refresh();
      box.close();
      resultDialog(name.value, result);
      return "stay";
    },
  });
}

/** Say what became of the file; every row that could not be used with its line and its reason. */
function resultDialog(name, { imported, created, faults }) {
  const done = fill(t("import.done"), {
    name: h("strong", {}, theirs(name)), imported: number(imported), created: number(created),
  });
  const rows = faults.map(({ line, reason }) => ({
    key: String(line),
    cells: [number(line), translated(reason) ?? h("bdi", { dir: "auto" }, reason)],
  }));
  dialog({
    title: t("import.title"),
    body: h("div", { role: "status" },
      h("p", {}, done),
      h("p", { class: faults.length ? "warning" : undefined }, faults.length ? t("import.faults", { n: faults.length }) : t("import.no_faults")),
      faults.length > 0 && h("div", { class: "scroll", tabindex: 0 }, table(t("import.reason"), [t("import.line"), t("import.reason")], rows))),
    no: t("close"),
  });
}
