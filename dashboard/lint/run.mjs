// node lint/run.mjs [folder...]: both lints over the sources, or over other folders for the lints' own tests.

import { join } from "node:path";
import { lintLooks } from "./looks.mjs";
import { lintWords } from "./words.mjs";

const given = process.argv.slice(2);
const roots = given.length > 0 ? given : [join(import.meta.dirname, "..", "src")];
const faults = roots.flatMap((root) =>
  [...lintWords(root), ...lintLooks(root)].map((fault) => (fault.startsWith("locales/") ? join(root, fault) : fault)),
);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
