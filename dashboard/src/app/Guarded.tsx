// Before a page: whether this person may see it, and whether there is a business for it to be of.

import { IconLock } from "@tabler/icons-react";
import { Suspense, type ReactNode } from "react";
import { ChooseBusiness } from "@/app/ChooseBusiness";
import type { FeatureRoute } from "@/features/types";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { EmptyState } from "@/ui/EmptyState";
import { Loading } from "@/ui/Loading";

export function Guarded({ route, children }: { route: FeatureRoute; children: ReactNode }) {
  const t = useT("shell");
  const { me, business, may } = useSession();
  if (route.of === "system" ? !me.is_system_admin : route.least && !may(route.least)) {
    return <EmptyState level={1} icon={IconLock} title={t("not_yours.title")} body={t("not_yours.body")} />;
  }
  if ((route.of ?? "business") === "business" && !business) return <ChooseBusiness />;
  return <Suspense fallback={<Loading />}>{children}</Suspense>;
}
