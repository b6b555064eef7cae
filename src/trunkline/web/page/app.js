// The page as a whole: who is in, which view is shown, the frame around it, and keeping it current.
// Views are plain objects: `title(data)`, `load(id)`, `draw(data, app)`, `follows(kind)` (which events
// change it), `isBusy(data, isStreamed)` (it moves without events), `acts` (what its buttons do), and where
// figures of runs are shown `progress(data, run)`, which takes newer ones in and says whether it did.

import { agentsView, agentView } from "/page/agents.js";
import { ApiError, get, NoAnswer, post } from "/page/api.js";
import { appointmentsView } from "/page/appointments.js";
import * as book from "/page/book.js";
import { callView } from "/page/call.js";
import { callsView } from "/page/calls.js";
import { h, patchChildren } from "/page/dom.js";
import { drawFrame } from "/page/frame.js";
import { chooseLanguage, clock, settleLanguage, settleZone, t } from "/page/i18n.js";
import { jobView } from "/page/job.js";
import { jobsView } from "/page/jobs.js";
import { listsView } from "/page/lists.js";
import { follow } from "/page/live.js";
import { empty, failure } from "/page/parts.js";
import { runView } from "/page/run.js";
import { runsView } from "/page/runs.js";
import { businessesView, signInForm } from "/page/session.js";
import { systemView } from "/page/system.js";
import { forget as endTalk } from "/page/talk.js";

const ROLES = ["viewer", "agent", "admin", "owner"];
const FIRST = "#/runs";
const OF_THE_SYSTEM = /^#\/(businesses|system|system-jobs)(\/|$)/; // shown without a business too
const STALE_MS = 20_000;
const RETRY_MS = 2_000;

const jobs = jobsView({ path: "/jobs", address: "#/jobs", title: "jobs.title", none: "jobs.none.body" });
const systemJobs = jobsView({
  path: "/admin/jobs", address: "#/system-jobs", title: "system_jobs.title", none: "system_jobs.none",
});

const VIEWS = {
  "#/runs": [runsView, runView],
  "#/lists": [listsView],
  "#/calls": [callsView, callView],
  "#/appointments": [appointmentsView],
  "#/agents": [agentsView, agentView],
  "#/jobs": [jobs, jobView({ path: "/jobs", address: "#/jobs", back: "back.jobs", list: jobs })],
  "#/businesses": [businessesView],
  "#/system": [systemView],
  "#/system-jobs": [
    systemJobs,
    jobView({ path: "/admin/jobs", address: "#/system-jobs", back: "back.system_jobs", list: systemJobs }),
  ],
};

/** Everything that the frame is drawn from. */
const state = {
  me: null,
  business: null,
  isSignedOut: false,
  notice: null, // why the sign-in form is shown
  lost: null, // the failure that took the connection
  trouble: null, // an act's failure that no view shows
  broken: false, // a mistake of the page's own
};

/** The view that is shown: `{key, view, id, data, error, at}`; `data` and `error` are its last answer. */
let shown = null;
/** The view that was asked for and is not there yet: nothing else may ask before it has its answer. */
let coming = null;
let turn = 0;
let loading = 0;
let goodAt = null;
let stopFollowing = () => {};
let form = null;
const running = new Set();

/** What views may do with the page. */
const app = {
  get business() {
    return state.business;
  },
  may: (role) => state.me.is_system_admin || ROLES.indexOf(state.me.role) >= ROLES.indexOf(role),
  refresh: async () => coming || load(shown),
  redraw: draw,
  begin,
  say(sentence) {
    document.getElementById("said").textContent = sentence;
  },
};

/** Find out who is here and show them their page; with the server away, try until it is there. */
async function begin(address) {
  stopFollowing();
  shown = null;
  try {
    const me = await get("/me");
    const business = me.business_id ? await get("/business") : null;
    enter(me, business);
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return leave(null);
    if (!(error instanceof ApiError || error instanceof NoAnswer)) throw error;
    Object.assign(state, { lost: error });
    draw();
    setTimeout(() => begin(address), RETRY_MS);
    return undefined;
  }
  if (address && address !== location.hash) location.hash = address;
  else await route();
  return undefined;
}

function enter(me, business) {
  book.clear();
  jobs.forget();
  systemJobs.forget();
  Object.assign(state, { me, business, isSignedOut: false, notice: null, lost: null, trouble: null });
  settleLanguage(me.language);
  settleZone(business?.time_zone ?? "UTC");
  stopFollowing = follow(business?.id, { hear, progress, lost, back, out });
}

/** Show the sign-in form, and forget what was shown. */
function leave(notice) {
  endTalk();
  stopFollowing();
  stopFollowing = () => {};
  turn += 1;
  shown = null;
  form = null;
  Object.assign(state, { me: null, business: null, isSignedOut: true, notice, lost: null, trouble: null });
  for (const box of document.querySelectorAll("dialog")) box.close();
  draw();
}

async function route() {
  if (!state.me) return;
  if (!state.business && !OF_THE_SYSTEM.test(location.hash)) return void location.replace("#/businesses");
  if (!location.hash || location.hash === "#/") return void location.replace(FIRST);
  const [, name, id] = location.hash.split("/");
  const view = VIEWS[`#/${name}`]?.[id ? 1 : 0];
  state.trouble = null;
  const next = { key: location.hash, view, id, data: undefined, error: null, at: 0 };
  if (!view) {
    shown = next;
    draw();
    return;
  }
  view.enter?.();
  coming = next;
  try {
    await load(next);
  } catch (error) {
    // The view stands empty until the feed has found the server again.
    if (!(error instanceof NoAnswer)) throw error;
    shown = next;
    lost(error);
  } finally {
    if (coming === next) coming = null;
  }
  document.querySelector("main h1")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Ask the server for a view's data and show it; of two questions under way the later one counts. */
async function load(next) {
  if (!next?.view) return;
  turn += 1;
  const mine = turn;
  let answer;
  loading += 1;
  try {
    answer = { data: await next.view.load(next.id), error: null };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) return out(error);
    answer = { data: next.data, error };
  } finally {
    loading -= 1;
  }
  if (mine !== turn) return undefined;
  goodAt = new Date().toISOString();
  shown = Object.assign(next, answer, { at: performance.now() });
  draw();
  return undefined;
}

/** The feed has told what happened: ask again for what that may have changed. */
async function hear(kinds, isStreamed) {
  goodAt = new Date().toISOString();
  if (!shown?.view || coming) return;
  const { view, data, error, at } = shown;
  const isConcerned = [...kinds].some((kind) => view.follows(kind)) || (data !== undefined && view.isBusy(data, isStreamed));
  const isStale = performance.now() - at > STALE_MS;
  if (isConcerned || isStale || data === undefined || error) await load(shown);
}

/** The stream has told how far a run is. Says whether the view shows that now; else it is asked for again. */
function progress(run) {
  goodAt = new Date().toISOString();
  // An answer under way may be older than these figures and come after them.
  if (!shown?.view?.progress || shown.data === undefined || coming || loading > 0) return false;
  const isTaken = shown.view.progress(shown.data, run);
  draw();
  return isTaken;
}

function lost(error) {
  state.lost = error;
  draw();
}

function back() {
  state.lost = null;
  app.say(t("lost.back"));
  void settle(load(shown));
  draw();
}

function out(error) {
  if (error.status === 401) leave("sign_in.ended");
  else void settle(begin());
}

// --- Drawing ---------------------------------------------------------------------------------

function draw() {
  const title = viewTitle();
  document.title = title ? t("title.page", { view: title }) : "Trunkline";
  const lostAt = goodAt && clock(goodAt);
  patchChildren(document.getElementById("frame"), drawFrame(state, { key: shown?.key, content: content(), lostAt }));
}

function viewTitle() {
  if (state.isSignedOut) return t("sign_in.title");
  if (!shown) return null;
  if (!shown.view) return t("missing.title");
  return shown.data === undefined ? null : shown.view.title(shown.data);
}

function content() {
  if (state.isSignedOut) return signIn();
  if (!shown) return h("p", { class: "quiet" }, t("loading"));
  if (!shown.view) return empty(t("missing.title"), t("missing.body"));
  return [
    state.trouble && failure(state.trouble),
    shown.error && failure(shown.error),
    shown.data === undefined
      ? !shown.error && h("p", { class: "quiet" }, t("loading"))
      : shown.view.draw(shown.data, app),
  ];
}

/** The form keeps what is typed for as long as it is shown; a change of language makes a new one. */
function signIn() {
  const typed = document.getElementById("email")?.value ?? "";
  form ??= signInForm({
    notice: state.notice && t(state.notice),
    entered: () => void settle(begin()),
  });
  form.querySelector("#email").value = typed;
  return form;
}

// --- What people do ----------------------------------------------------------------------------

const ACTS = {
  skip: () => document.getElementById("content").focus(),
  async sign_out() {
    try {
      await post("/sign-out");
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
    }
    leave(null);
  },
};

function onClick(event) {
  const element = event.target.closest("[data-act]");
  if (!element) return;
  if (element.nodeName === "A") event.preventDefault();
  void doAct(element.dataset.act, element);
}

async function doAct(act, element) {
  const { id } = element.dataset;
  const perform = ACTS[act] ?? shown?.view?.acts[act];
  const name = `${act} ${id ?? ""} ${element.value ?? ""}`;
  if (!perform || running.has(name)) return;
  running.add(name);
  state.trouble = null;
  try {
    await perform(element, app);
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof NoAnswer)) throw error;
    state.trouble = error;
    draw();
  } finally {
    running.delete(name);
  }
}

function onChange({ target }) {
  if (target.matches("[data-change]")) void doAct(target.dataset.change, target);
  if (!target.matches("[data-language]")) return;
  chooseLanguage(target.value);
  form = null;
  draw();
}

/** See work through that nobody waits for; the server being away is the feed's to tell. */
async function settle(work) {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    lost(error);
  }
}

function onMistake() {
  state.broken = true;
  draw();
}

addEventListener("error", onMistake);
addEventListener("unhandledrejection", onMistake);
addEventListener("hashchange", () => void settle(route()));
document.addEventListener("click", onClick);
document.addEventListener("change", onChange);

settleLanguage(null);
draw();
void begin();
