// Why a row of a file cannot be used. The server's own sentence is English; it stands where there is no code.

import { useT } from "@/lib/i18n";

interface Fault {
  reason?: string | null;
  code?: string | null;
  facts?: Record<string, string>;
}

/** Returns what turns a row's fault into words. */
export function useFault(): (fault: Fault) => string {
  const t = useT("lists");
  return ({ reason, code, facts = {} }) => {
    const field = facts.field && t(`field.${facts.field}`);
    return t(code ? [`fault.${code}`, "fault.other"] : "fault.other", { ...facts, field, said: reason });
  };
}
