// The two ways in which asking the server can go wrong, and what a person is told of them.

import i18next from "i18next";
import { useT } from "@/lib/i18n";

/** The server said no: its HTTP status, its code, its sentence and the facts that go with it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly data: Record<string, unknown> = {},
    readonly traceId: string | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The server could not be reached, or said that it is away for the moment. */
export class NoAnswer extends Error {
  constructor(message: string) {
    super(message);
    this.name = "NoAnswer";
  }
}

/** Whether an error is the server's and has this code: `hasCode(error, "outdated")`. */
export function hasCode(error: unknown, ...codes: string[]): error is ApiError {
  return error instanceof ApiError && codes.includes(error.code);
}

export interface ErrorWords {
  title: string;
  /** The server's own sentence, where there is none for what it means; it is English. */
  detail: string | null;
  traceId: string | null;
}

/** Returns what turns an error into words of the chosen language. */
export function useErrorWords(): (error: unknown) => ErrorWords {
  const t = useT("errors");
  return (error) => {
    if (error instanceof NoAnswer) return { title: t("no_answer"), detail: null, traceId: null };
    if (!(error instanceof ApiError)) return { title: t("unexpected"), detail: String(error), traceId: null };
    const reason = typeof error.data.reason === "string" ? error.data.reason : error.code;
    const { state } = error.data;
    const facts = Object.entries(error.data).map(([name, fact]) => [name, wordsOf(fact)]);
    const values: Record<string, string> = Object.fromEntries(facts);
    if (typeof state === "string") values.state = t(`state.${state}`, { defaultValue: state });
    const title = t([`code.${reason}`, `code.${error.code}`, "code.other"], values);
    const isSaid = i18next.exists(`code.${reason}`, { ns: "errors" }) && !SAY_LITTLE.has(reason);
    return { title, detail: isSaid ? null : error.message || null, traceId: error.traceId };
  };
}

/** Codes of very many refusals, which say what is meant by a reason, or else by the server's sentence alone. */
const SAY_LITTLE = new Set(["conflict", "invalid_input"]);

/** A fact that goes with an error, as it stands in its sentence. */
function wordsOf(fact: unknown): string {
  if (Array.isArray(fact)) return fact.map(wordsOf).join(", ");
  if (typeof fact === "object" && fact !== null && "path" in fact) return String(fact.path).replace(/^(body|query|path)\./, "");
  return String(fact);
}
