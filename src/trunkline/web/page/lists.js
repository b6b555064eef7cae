// Lists of leads: which there are, importing one from a CSV or Excel file, and how far each import is.

import { get, post } from "/page/api.js";
import { h, theirs } from "/page/dom.js";
import { number, t, translated, when } from "/page/i18n.js";
import { importDialog } from "/page/import_dialog.js";
import { badge, button, empty, failure, heading, table, zoneNote } from "/page/parts.js";
import { callNowDialog } from "/page/run_form.js";

const ACTIVE = new Set(["running", "paused"]);
const BUTTONS = { running: ["pause", "cancel"], paused: ["resume", "cancel"] };

/** Why the last act on an import failed, by the import's id. */
const errors = new Map();

export const listsView = {
  title: () => t("lists.title"),
  async load() {
    const [lists, imports] = await Promise.all([get("/lead-lists"), get("/lead-imports")]);
    return { lists, imports };
  },
  follows: (kind) => /^(list|import|run)\./.test(kind),
  isBusy: ({ imports }) => imports.some(({ state }) => ACTIVE.has(state)),

  draw({ lists, imports }, app) {
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
      h("h2", {}, t("imports.title")),
      imports.length === 0 ? h("p", { class: "quiet" }, t("imports.none")) : h("div", { class: "stack" }, imports.map((row) => card(row, app))),
    ];
  },

  acts: {
    import: (_element, app) => importDialog(app),
    call_now: callNowDialog,
    ...Object.fromEntries(["pause", "resume", "cancel"].map((verb) => [verb, (element, app) => act(verb, element.dataset.id, app)])),
  },
};

function card(row, app) {
  const { id, state, filename } = row;
  const error = errors.get(id);
  return h("article", { class: "card", "data-key": `import ${id}`, "data-state": state },
    h("header", { class: "line" },
      h("h3", { class: "grow" }, theirs(row.name), " ", badge("run_state", state)),
      app.may("agent") && h("div", { class: "tools" }, (BUTTONS[state] ?? []).map((verb) =>
        button(verb, t(`run.${verb}`), {
          "data-key": verb, "data-id": id, "aria-label": t("run.act_named", { act: t(`run.${verb}`), title: row.name }),
        })))),
    ACTIVE.has(state) && bar(row),
    counts(row),
    row.faults > 0 && h("p", { class: "warning" },
      t("import.faults", { n: row.faults }), " ",
      h("a", { href: `/api/lead-imports/${id}/faults.csv`, download: "" }, t("import.download"))),
    row.error && h("p", { class: "failure" }, translated(row.error) ?? h("bdi", { dir: "auto" }, row.error)),
    error && failure(error),
    h("p", { class: "quiet times" }, h("span", {}, theirs(filename)), " ", h("span", {}, when(row.created_at))));
}

/** How far it is, where the file tells about how many rows it has. */
function bar({ name, rows, expected }) {
  if (!expected) return h("p", { class: "quiet" }, t("import.rows_so_far", { rows }));
  const share = Math.min(1, rows / expected);
  const said = t("import.bar", { rows, expected, percent: Math.floor(share * 100) });
  return h("div", { class: "progress" },
    h("div", {
      class: "bar", role: "progressbar", "aria-label": t("run.bar_label", { title: name }), "aria-valuemin": 0,
      "aria-valuemax": expected, "aria-valuenow": Math.min(rows, expected), "aria-valuetext": said,
    }, h("span", { class: "part", "data-tone": "done", vars: { "--share": `${share * 100}%` } })),
    h("span", { class: "quiet" }, said));
}

function counts(row) {
  return h("dl", { class: "figures" }, ["rows", "imported", "created", "updated", "faults"].map((key) =>
    h("div", { class: "figure", "data-tone": key === "faults" ? "failed" : key, "data-none": row[key] === 0 },
      h("dt", {}, t(`import.count.${key}`)), h("dd", { "data-count": key }, number(row[key])))));
}

async function act(verb, id, app) {
  errors.delete(id);
  try {
    await post(`/lead-imports/${id}/${verb}`);
  } catch (error) {
    errors.set(id, error);
  }
  await app.refresh();
}
