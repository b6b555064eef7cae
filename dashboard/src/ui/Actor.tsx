// Who did something, as journals keep it: people by their address, the system and its agents by what they are.

import { useT } from "@/lib/i18n";

export function Actor({ actor }: { actor: string }) {
  const t = useT("common");
  if (actor.includes("@")) return <bdi dir="ltr">{actor}</bdi>;
  return <>{t(actor.startsWith("agent:") ? "actor.agent" : "actor.system")}</>;
}
