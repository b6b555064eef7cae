// Why a number is not called: what the system notes has words; what a person wrote stands as it is.

import { useT } from "@/lib/i18n";

const KNOWN = ["asked", "list", "suppressed"];

export function useBecause(): (reason: string) => string {
  const t = useT("calling");
  return (reason) => (KNOWN.includes(reason) ? t(`list.because.${reason}`) : reason);
}
