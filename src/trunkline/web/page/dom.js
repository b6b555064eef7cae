// Making elements and bringing a drawn tree up to date. Text only ever enters as text, never as markup.

/**
 * Make an element. Properties are attributes, except `vars` (custom CSS properties, which the content
 * security policy lets a script set) and `on` (listeners, for trees that are not patched).
 * Children are nodes, texts, arrays of them, or nothing.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "vars") {
      for (const [variable, size] of Object.entries(value)) element.style.setProperty(variable, size);
    } else if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...flat(children));
  return element;
}

/** Text of people's own making: its direction follows its letters. */
export const theirs = (text) => h("bdi", { dir: "auto" }, text);

/** A telephone number: left to right in every language. */
export const phone = (number) => h("bdi", { dir: "ltr", class: "number" }, number);

/**
 * A sentence whose placeholders are nodes: `fill("From {zone}", {zone: node})`.
 * What the sentence does not name is left out.
 */
export function fill(sentence, nodes) {
  return sentence.split(/(\{\w+\})/).map((part) => {
    const name = part.match(/^\{(\w+)\}$/)?.[1];
    return name === undefined ? part : (nodes[name] ?? part);
  });
}

/**
 * Make `old` look like `next`, keeping every element that is still there, and with it focus, selection,
 * scroll position and what is typed. Elements match by tag and `data-key`.
 */
export function patch(old, next) {
  if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName || keyOf(old) !== keyOf(next)) {
    old.replaceWith(next);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
    return;
  }
  patchAttributes(old, next);
  const chosen = next.value;
  patchChildren(old, [...next.childNodes]);
  if (old.nodeName === "SELECT" && old.value !== chosen) old.value = chosen;
}

/** Make these the children of an element, keeping what is still there. */
export function patchChildren(parent, wanted) {
  const keyed = new Map();
  for (const child of parent.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  let place = parent.firstChild;
  for (const next of flat(wanted)) {
    const kept = keyOf(next) ? keyed.get(keyOf(next)) : undefined;
    if (kept && kept !== place) parent.insertBefore(kept, place);
    const old = kept ?? place;
    if (old && (kept || !keyOf(old))) {
      const after = kept && kept !== place ? place : old.nextSibling;
      patch(old, next);
      place = after;
    } else {
      parent.insertBefore(next, place);
    }
  }
  while (place) {
    const after = place.nextSibling;
    place.remove();
    place = after;
  }
}

function patchAttributes(old, next) {
  const value = next.getAttribute("value");
  // What is typed hides the attribute, so a new one is written over what stood there, but never over what
  // a person has typed since.
  const isUntouched = old.value === (old.getAttribute("value") ?? "");
  if (old.nodeName === "INPUT" && isUntouched && old.getAttribute("value") !== value) old.value = value ?? "";
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && !isPersons(old, name)) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (name !== "style" && !isPersons(old, name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.style.cssText !== next.style.cssText) old.style.cssText = next.style.cssText;
}

/** What the person has opened stays open. */
const isPersons = (element, attribute) => attribute === "open" && element.nodeName === "DETAILS";

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

function flat(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== undefined && child !== null && child !== false && child !== "")
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}
