// What the API calls things, in words.

import { useLanguage, useT } from "@/lib/i18n";
import type { Schema } from "@/lib/api";

/** Returns what names a language in the page's own. */
export function useLanguageName(): (code: string) => string {
  const language = useLanguage();
  const names = new Intl.DisplayNames([language], { type: "language" });
  return (code) => names.of(code) ?? code;
}

/** Returns what names a brain. One that we have no words for bears its own name. */
export function useBrainName(): (brain: string) => string {
  const t = useT("agents");
  return (brain) => t([`brain.${brain}`, "brain.other"], { brain });
}

/** Returns a warning's sentence; what is new to this page is told in the server's English. */
export function useWarningWords(): (warning: Schema<"AgentWarning">) => string {
  const t = useT("agents");
  return ({ code, message, names }) =>
    t([`warning.${code}`, "warning.other"], { first: names[0] ?? "", second: names[1] ?? "", message });
}

/** Returns a fault's sentence; what is new to this page is told in the server's English. */
export function useFaultWords(): (fault: Schema<"AgentFault">) => string {
  const t = useT("agents");
  return ({ code, fault, names }) =>
    t([`fault.${code}`, "fault.other"], { first: names[0] ?? "", second: names[1] ?? "", message: fault });
}
