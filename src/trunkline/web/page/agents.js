// The business's agents, and one of them with the part of its page where one talks to it.

import { get } from "/page/api.js";
import { h, theirs } from "/page/dom.js";
import { t } from "/page/i18n.js";
import { empty, heading, table } from "/page/parts.js";
import { talkActs, talkPanel } from "/page/talk.js";

/** The name of a language, in the page's own. */
const language = (code) =>
  new Intl.DisplayNames([document.documentElement.lang], { type: "language" }).of(code) ?? code;

export const agentsView = {
  title: () => t("agents.title"),
  load: () => get("/agents"),
  follows: (kind) => kind.startsWith("agent."),
  isBusy: () => false,

  draw(agents) {
    if (agents.length === 0) return [heading(t("agents.title")), empty(t("agents.none.title"), t("agents.none.body"))];
    const columns = [t("agents.name"), t("agents.language"), t("agents.brain")];
    return [
      heading(t("agents.title")),
      table(t("agents.title"), columns, agents.map((agent) => ({
        key: agent.id,
        cells: [
          h("a", { href: `#/agents/${agent.id}` }, theirs(agent.name)), language(agent.language), brain(agent),
        ],
      }))),
    ];
  },

  acts: {},
};

export const agentView = {
  title: (agent) => agent.name,
  load: (id) => get(`/agents/${id}`),
  follows: (kind) => kind.startsWith("agent."),
  isBusy: () => false,

  draw(agent, app) {
    const rows = [
      ["agents.language", language(agent.language)],
      ["agents.brain", brain(agent)],
      ["agents.greeting", agent.greeting && theirs(agent.greeting)],
    ];
    return [
      h("p", {}, h("a", { href: "#/agents" }, t("back.agents"))),
      heading(theirs(agent.name)),
      talkPanel(agent, app),
      h("dl", { class: "facts card" },
        rows.filter(([, value]) => value).map(([key, value]) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, value)))),
    ];
  },

  acts: talkActs,
};

const brain = (agent) => h("bdi", { dir: "ltr" }, agent.brain);
