// No colour by its value and no physical direction: colours come from the theme, and what stands at the left in
// English stands at the right in Hebrew.

import { readFileSync } from "node:fs";
import ts from "typescript";
import { fault, filesBelow, parse, walk } from "./sources.mjs";

/** The one file where colours have values. */
const PALETTE = /app\/theme\.ts$/;

const VALUE = /#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch)\(/i;
const NAMED =
  /(?<![\w-])(?:white|black|red|green|blue|gray|grey|yellow|orange|purple|pink|brown|cyan|magenta|teal|navy|silver|gold|maroon|olive|lime|aqua|fuchsia|crimson|tomato|coral|salmon|indigo|violet)(?![\w-])/i;
const TAKES_COLOUR = /(?:^|-)(?:color|background|border|outline|fill|stroke|shadow|accent|caret|decoration)/;
const PHYSICAL =
  /^(?:(?:margin|padding|border|scroll-margin|scroll-padding)-(?:left|right)(?:-.*)?|left|right|border-(?:top|bottom)-(?:left|right)-radius)$/;
const LEFT_OR_RIGHT = /^(?:text-align|float|clear|caption-side|justify-content|justify-self|justify-items|text-align-last)$/;

/** Mantine's and React's words for the left and the right. */
const PHYSICAL_ATTRIBUTES = new Set(["ml", "mr", "pl", "pr", "left", "right"]);
const PHYSICAL_STYLES =
  /^(?:(?:margin|padding|border|scrollMargin|scrollPadding)(?:Left|Right)(?:Color|Style|Width)?|left|right|border(?:Top|Bottom)(?:Left|Right)Radius)$/;
const SIDED = new Set(["ta", "textAlign", "float", "justify", "position", "align"]);

export function lintLooks(root) {
  const faults = [];
  for (const path of filesBelow(root, ".css")) faults.push(...sheet(path));
  for (const path of filesBelow(root, ".ts", ".tsx")) if (!PALETTE.test(path)) faults.push(...source(parse(path)));
  return faults;
}

function sheet(path) {
  const faults = [];
  const text = readFileSync(path, "utf-8").replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "));
  text.split("\n").forEach((line, index) => {
    const say = (sentence) => faults.push(`${path}:${index + 1}: ${sentence}`);
    for (const [, property, value] of line.matchAll(/(?:^|[;{\s])(-{0,2}[a-z][\w-]*)\s*:\s*([^;{}]+)/g)) {
      const bare = value.replace(/var\([^)]*\)/g, "").replace(/url\([^)]*\)/g, "");
      if (VALUE.test(bare) || ((TAKES_COLOUR.test(property) || property.startsWith("--")) && NAMED.test(bare))) {
        say(`"${property}: ${value.trim()}" is a colour by its value`);
      }
      if (PHYSICAL.test(property)) say(`"${property}" is a physical direction; use the logical one (inline, start, end)`);
      if (LEFT_OR_RIGHT.test(property) && /\b(?:left|right)\b/.test(bare)) say(`"${property}: ${value.trim()}" is a physical direction`);
    }
  });
  return faults;
}

function source(tree) {
  const faults = [];
  walk(tree, (node) => {
    const isText = ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateHead(node);
    if (isText && !ts.isImportDeclaration(node.parent)) {
      const looksLike = /^#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i.test(node.text.trim()) || /\b(?:rgba?|hsla?|oklch)\(/.test(node.text);
      if (looksLike) faults.push(fault(tree, node, `"${node.text}" is a colour by its value`));
    }
    if (ts.isJsxAttribute(node)) {
      const name = node.name.getText(tree);
      if (PHYSICAL_ATTRIBUTES.has(name)) faults.push(fault(tree, node, `${name} is a physical direction; use ms, me, ps, pe`));
      if (SIDED.has(name) && isSide(node.initializer)) faults.push(fault(tree, node, `${name} names a physical direction`));
    }
    if (ts.isPropertyAssignment(node)) {
      const name = node.name.getText(tree).replace(/["']/g, "");
      if (PHYSICAL_STYLES.test(name) && isStyle(node)) {
        faults.push(fault(tree, node, `${name} is a physical direction; use the logical one`));
      }
      if (SIDED.has(name) && isSide(node.initializer)) faults.push(fault(tree, node, `${name} names a physical direction`));
    }
  });
  return faults;
}

function isSide(value) {
  const node = value && ts.isJsxExpression(value) ? value.expression : value;
  return Boolean(node && ts.isStringLiteral(node) && /^(?:left|right)\b/.test(node.text));
}

/** Whether a property is one of `style={{...}}` or `styles={{...}}`, and not of some data that has a left. */
function isStyle(node) {
  for (let up = node.parent; up; up = up.parent) {
    if (ts.isJsxAttribute(up)) return /^(?:style|styles|sx|css)$/.test(up.name.getText());
    if (ts.isVariableDeclaration(up)) return /CSSProperties/.test(up.type?.getText() ?? "");
    if (ts.isFunctionLike(up)) return false;
  }
  return false;
}
