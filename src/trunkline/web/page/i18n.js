// The language of the page: which one it is, its sentences, and how it writes numbers, times and durations.
// Every string comes from the language's dictionary (en.js, he.js); no other file holds a sentence.

import en from "/page/en.js";
import he from "/page/he.js";

const DICTIONARIES = { en, he };
const KEPT_AS = "trunkline.language";

let language = "en";
let zone = "UTC";

export const languages = Object.entries(DICTIONARIES).map(([code, { name }]) => ({ code, name }));
export const current = () => language;

/** Choose the language: what was chosen here before, else the person's own, else the browser's. */
export function settleLanguage(persons) {
  const wishes = [kept(), persons, ...(navigator.languages ?? [])];
  const codes = wishes.filter(Boolean).map((wish) => wish.slice(0, 2).toLowerCase());
  apply(codes.find((code) => code in DICTIONARIES) ?? "en");
}

/** Choose the language by the switch; it is remembered in this browser. */
export function chooseLanguage(code) {
  try {
    localStorage.setItem(KEPT_AS, code);
  } catch {
    // A browser that keeps nothing still changes language, for as long as the page is open.
  }
  apply(code);
}

/** Show times in the business's zone from now on; an unknown one falls back to UTC. */
export function settleZone(name) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    zone = name;
  } catch {
    zone = "UTC";
  }
}

export const zoneName = () => zone;

/** The sentence of a key, with its placeholders filled. With `n`, the form of the key for that number. */
export function t(key, values = {}) {
  const { strings } = DICTIONARIES[language];
  const plural = values.n === undefined ? undefined : `${key}.${new Intl.PluralRules(language).select(values.n)}`;
  const sentence = strings[plural] ?? strings[`${key}.other`] ?? strings[key];
  if (sentence === undefined) throw new Error(`no sentence for ${key}`);
  return sentence.replace(/\{(\w+)\}/g, (whole, name) =>
    typeof values[name] === "number" ? number(values[name]) : (values[name] ?? whole),
  );
}

/** The word for one of the server's terms, such as a disposition; one we do not know is shown as it is. */
export function term(family, code) {
  if (!code) return "";
  return DICTIONARIES[language].strings[`${family}.${code}`] ?? code.replaceAll("_", " ");
}

/** A sentence of the server in the page's language; undefined when the dictionary does not know it. */
export function translated(sentence) {
  const { server } = DICTIONARIES[language];
  if (server === null) return sentence;
  for (const [pattern, ours] of server) {
    const found = sentence.match(pattern);
    if (found) return ours.replace(/\{(\d)\}/g, (_, group) => isolate(found[Number(group)] ?? ""));
  }
  return undefined;
}

export const number = (value) => new Intl.NumberFormat(language).format(value);

/** A day and time in the business's zone, with the year where it is not this one. */
export function when(iso) {
  if (!iso) return "";
  const date = new Date(iso);
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  return format(date, {
    weekday: "short", day: "numeric", month: "short", year: isThisYear ? undefined : "numeric",
    hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
}

/** The instant of a wall clock's `YYYY-MM-DDTHH:MM` in the business's zone, in ISO form. */
export function instant(wall) {
  const wanted = Date.parse(`${wall}Z`);
  // The zone's offset is that of the instant itself: the second look is right also next to a change of clocks.
  let at = wanted;
  for (let look = 0; look < 2; look += 1) at = wanted - offset(at);
  return new Date(at).toISOString();
}

function offset(at) {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).formatToParts(new Date(at));
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return Date.parse(`${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}Z`) - Math.floor(at / 60_000) * 60_000;
}

/** A time of day with seconds, in the business's zone. */
export const clock = (iso) =>
  format(new Date(iso), { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** The span between two times as `m:ss`; until now when the second is not there yet. */
export function span(from, until) {
  const seconds = Math.max(0, Math.round((new Date(until ?? Date.now()) - new Date(from)) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A length of time given in seconds, in the units that a person would choose. */
export function length(seconds) {
  if (seconds < 1) return t("length.ms", { ms: Math.round(seconds * 1000) });
  if (seconds < 60) return t("length.s", { s: number(Math.round(seconds * 10) / 10) });
  if (seconds >= 86_400) return t("length.days", { d: Math.floor(seconds / 86_400), h: Math.floor(seconds / 3_600) % 24 });
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  const shown = parts[0] > 0 ? parts : parts.slice(1);
  return shown.map((part, at) => (at === 0 ? part : String(part).padStart(2, "0"))).join(":");
}

function format(date, options) {
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { ...options, timeZone: zone }).format(date);
}

/** A telephone number as text, for places that hold no elements; left to right in every language. */
export const isolatedNumber = (text) => `\u2066${text}\u2069`;

/** Keep a piece of another direction from pulling the sentence around it apart. */
const isolate = (text) => `\u2068${text}\u2069`;

function apply(code) {
  language = code;
  document.documentElement.lang = code;
  document.documentElement.dir = DICTIONARIES[code].direction;
}

function kept() {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null;
  }
}
