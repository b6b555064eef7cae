// node lint/run.mjs [folder]: both lints over the sources (or over another folder, for their own tests).

import { join } from "node:path";
import { lintLooks } from "./looks.mjs";
import { lintWords } from "./words.mjs";

const root = process.argv[2] ?? join(import.meta.dirname, "..", "src");
const faults = [...lintWords(root), ...lintLooks(root)];
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
