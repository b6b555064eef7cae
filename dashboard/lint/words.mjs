// No text without a translation: none written in the source, no key that a language lacks, no key that nobody
// uses, and the same values in both languages.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import ts from "typescript";
import { fault, filesBelow, parse, walk } from "./sources.mjs";

/** Attributes and properties that people read. */
const SEEN = new Set([
  "label", "title", "placeholder", "description", "alt", "message", "error", "body", "about", "aria-label",
  "aria-description", "aria-roledescription", "aria-valuetext", "nothingFound", "confirm", "done", "heading", "hint", "tooltip",
]);
const LETTERS = /\p{L}{2,}|\p{L}.*\s.*\p{L}/u;
/** Names that are the same in all languages, and each language's own name. */
const NAMES = new Set(["Trunkline", "English", "עברית", "Ctrl", "Tab", "Esc"]);
const FORMS = ["zero", "one", "two", "few", "many", "other"];

export function lintWords(root) {
  const faults = [];
  const locales = readLocales(join(root, "locales"), faults);
  const used = new Map(); // "feature" -> Set of keys
  const begun = new Map(); // "feature" -> Set of beginnings
  for (const path of filesBelow(root, ".ts", ".tsx")) {
    const tree = parse(path);
    faults.push(...writtenTexts(tree));
    faults.push(...collectKeys(tree, used, begun));
    faults.push(...wordsAtHand(tree, root));
  }
  faults.push(...compareLanguages(locales));
  faults.push(...compareKeys(locales, used, begun));
  return faults;
}

// --- Texts in the source --------------------------------------------------------------------------

function writtenTexts(tree) {
  const faults = [];
  const say = (node, text) => faults.push(fault(tree, node, `"${text.trim().slice(0, 50)}" is not translated`));
  walk(tree, (node) => {
    if (ts.isJsxText(node) && isText(node.text)) say(node, node.text);
    if (ts.isJsxExpression(node) && node.expression && !ts.isJsxAttribute(node.parent)) {
      for (const text of textsOf(node.expression)) say(text, text.text ?? text.getText(tree));
    }
    if (ts.isJsxAttribute(node) && SEEN.has(node.name.getText(tree)) && node.initializer) {
      const value = ts.isJsxExpression(node.initializer) ? node.initializer.expression : node.initializer;
      for (const text of value ? textsOf(value) : []) say(text, text.text ?? text.getText(tree));
    }
    if (ts.isPropertyAssignment(node) && SEEN.has(node.name.getText(tree).replace(/["']/g, ""))) {
      // A key is one word without a capital or a blank.
      for (const text of textsOf(node.initializer)) {
        const words = text.text ?? text.getText(tree);
        if (/\s/.test(words) || /^\p{Lu}/u.test(words)) say(text, words);
      }
    }
  });
  return faults;
}

const isText = (text) => LETTERS.test(text) && !NAMES.has(text.trim());

/** The texts that an expression may come to, where they are written in it. */
function textsOf(node) {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return isText(node.text) ? [node] : [];
  if (ts.isTemplateExpression(node)) {
    const pieces = [node.head, ...node.templateSpans.map((span) => span.literal)];
    return pieces.filter((piece) => isText(piece.text));
  }
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return textsOf(node.expression);
  if (ts.isConditionalExpression(node)) return [...textsOf(node.whenTrue), ...textsOf(node.whenFalse)];
  if (ts.isBinaryExpression(node)) {
    const joins = [ts.SyntaxKind.BarBarToken, ts.SyntaxKind.QuestionQuestionToken, ts.SyntaxKind.PlusToken];
    if (joins.includes(node.operatorToken.kind)) return [...textsOf(node.left), ...textsOf(node.right)];
    if (node.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken) return textsOf(node.right);
  }
  return [];
}

// --- Keys ---------------------------------------------------------------------------------------

/** Note every key that a file looks up: by a `t` that came of `useT("feature")`, or marked by `msg("feature:key")`. */
function collectKeys(tree, used, begun) {
  const faults = [];
  const note = (map, feature, key) => map.set(feature, (map.get(feature) ?? new Set()).add(key));
  const look = (feature, node) => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      const [, other, key] = /^(?:(\w[\w-]*):)?(.*)$/s.exec(node.text);
      note(used, other ?? feature, key);
    } else if (ts.isTemplateExpression(node)) {
      const [, other, key] = /^(?:(\w[\w-]*):)?(.*)$/s.exec(node.head.text);
      if (key) note(begun, other ?? feature, key);
      else faults.push(fault(tree, node, "a key must begin with words, so that one can see which are used"));
    } else if (ts.isArrayLiteralExpression(node)) node.elements.forEach((element) => look(feature, element));
    else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach((one) => look(feature, one));
    else if (ts.isParenthesizedExpression(node)) look(feature, node.expression);
    // Anything else is a value; where it comes from, `msg` or a table of keys has named it.
  };
  walk(tree, (node) => {
    if (!ts.isCallExpression(node) || node.arguments.length === 0) return;
    const called = node.expression;
    if (ts.isIdentifier(called) && called.text === "msg") return look(null, node.arguments[0]);
    // `useT("shell")("key")`
    const feature = ts.isCallExpression(called) ? featureOf(called) : ts.isIdentifier(called) ? scopeOf(called) : null;
    if (feature) look(feature, node.arguments[0]);
  });
  // Tables of keys that are looked up later stand as strings: whatever is spelled like a key counts as used.
  walk(tree, (node) => {
    if (ts.isStringLiteral(node) && /^[a-z][\w-]*([.][\w-]+)+$/.test(node.text)) note(used, "*", node.text);
  });
  return faults;
}

function featureOf(call) {
  const isUse = ts.isCallExpression(call) && ts.isIdentifier(call.expression) && call.expression.text === "useT";
  const [argument] = isUse ? call.arguments : [];
  return argument && ts.isStringLiteral(argument) ? argument.text : null;
}

/** The feature that an identifier translates for, found where it is declared; null if it does not translate. */
function scopeOf(identifier) {
  for (let scope = identifier.parent; scope; scope = scope.parent) {
    for (const statement of scope.statements ?? []) {
      if (!ts.isVariableStatement(statement)) continue;
      for (const made of statement.declarationList.declarations) {
        if (ts.isIdentifier(made.name) && made.name.text === identifier.text && made.initializer) {
          return featureOf(made.initializer);
        }
      }
    }
    for (const parameter of scope.parameters ?? []) {
      if (parameter.name.getText() !== identifier.text) continue;
      // `t: Translate<"runs">` says for whom.
      const said = parameter.type?.typeArguments?.[0];
      return said && ts.isLiteralTypeNode(said) ? said.literal.text : null;
    }
  }
  return null;
}

/** Fault what looks into words that its feature's `words` do not bring: its page would wait for them, drawn in part. */
function wordsAtHand(tree, root) {
  const [, feature] = /^features\/([\w-]+)\//.exec(relative(root, tree.fileName)) ?? [];
  if (!feature) return [];
  const said = /\bwords: \[(.*?)\]/.exec(readFileSync(join(root, "features", feature, "index.ts"), "utf-8"))?.[1] ?? "";
  const brought = new Set(["common", "errors", "shell", feature, ...[...said.matchAll(/"(\w+)"/g)].map((match) => match[1])]);
  const faults = [];
  const look = (node, other) => {
    if (other && !brought.has(other)) faults.push(fault(tree, node, `the feature ${feature} lacks "${other}" in its words`));
  };
  walk(tree, (node) => {
    if (ts.isCallExpression(node)) look(node, featureOf(node));
    if (ts.isImportDeclaration(node)) look(node, /^@\/features\/([\w-]+)\//.exec(node.moduleSpecifier.text)?.[1]);
  });
  return faults;
}

// --- Languages ----------------------------------------------------------------------------------

function readLocales(folder, faults) {
  const locales = new Map();
  for (const language of readdirSync(folder)) {
    const features = new Map();
    for (const path of filesBelow(join(folder, language), ".json")) {
      try {
        features.set(basename(path, ".json"), flat(JSON.parse(readFileSync(path, "utf-8"))));
      } catch (error) {
        faults.push(`${path}:1: ${error.message}`);
      }
    }
    locales.set(language, features);
  }
  return locales;
}

function flat(words, beginning = "") {
  const found = new Map();
  for (const [key, value] of Object.entries(words)) {
    if (typeof value === "object") for (const [more, text] of flat(value, `${beginning}${key}.`)) found.set(more, text);
    else found.set(beginning + key, value);
  }
  return found;
}

const withoutForm = (key) => key.replace(new RegExp(`_(${FORMS.join("|")})$`), "");
const valuesIn = (text) => [...text.matchAll(/\{\{\s*([\w.]+)/g)].map((match) => match[1]).sort();

/** Keys without the forms of number, each with its texts and forms. */
function grouped(words) {
  const groups = new Map();
  for (const [key, text] of words) {
    const name = withoutForm(key);
    const group = groups.get(name) ?? { forms: new Set(), texts: [] };
    if (name !== key) group.forms.add(key.slice(name.length + 1));
    group.texts.push([key, text]);
    groups.set(name, group);
  }
  return groups;
}

function compareLanguages(locales) {
  const faults = [];
  const features = new Set([...locales.values()].flatMap((words) => [...words.keys()]));
  for (const feature of features) {
    const all = new Map([...locales].map(([language, words]) => [language, grouped(words.get(feature) ?? new Map())]));
    const keys = new Set([...all.values()].flatMap((groups) => [...groups.keys()]));
    for (const key of keys) {
      let values = null;
      const numbered = [...all.values()].some((groups) => (groups.get(key)?.forms.size ?? 0) > 0);
      for (const [language, groups] of all) {
        const where = `locales/${language}/${feature}.json`;
        const group = groups.get(key);
        if (!group) {
          faults.push(`${where}:1: ${key} is missing`);
          continue;
        }
        if (numbered) {
          const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
          for (const form of needed) {
            if (!group.forms.has(form)) faults.push(`${where}:1: ${key}_${form} is missing`);
          }
        }
        // "One call" need not say its number.
        const here = new Set(group.texts.flatMap(([, text]) => valuesIn(text)));
        for (const [name, text] of group.texts) {
          if (!text.trim()) faults.push(`${where}:1: ${name} is empty`);
        }
        const said = [...here].sort().join(", ");
        if (values !== null && values !== said) {
          faults.push(`${where}:1: ${key} has the values (${said}), elsewhere (${values})`);
        }
        values ??= said;
      }
    }
  }
  return faults;
}

function compareKeys(locales, used, begun) {
  const faults = [];
  const [language, words] = [...locales][0];
  const known = new Map([...words].map(([feature, texts]) => [feature, grouped(texts)]));
  for (const [feature, keys] of used) {
    if (feature === "*") continue;
    for (const key of keys) {
      if (!known.get(feature)?.has(key)) faults.push(`locales/${language}/${feature}.json:1: ${key} is used and missing`);
    }
  }
  for (const [feature, beginnings] of begun) {
    for (const beginning of beginnings) {
      const there = [...(known.get(feature)?.keys() ?? [])].some((key) => key.startsWith(beginning));
      if (!there) faults.push(`locales/${language}/${feature}.json:1: nothing begins with ${beginning}`);
    }
  }
  const spelled = used.get("*") ?? new Set();
  for (const [feature, groups] of known) {
    for (const key of groups.keys()) {
      const isUsed =
        used.get(feature)?.has(key) ||
        spelled.has(key) ||
        [...(begun.get(feature) ?? [])].some((beginning) => key.startsWith(beginning));
      if (!isUsed) faults.push(`locales/${language}/${feature}.json:1: nobody uses ${key}`);
    }
  }
  return faults;
}
