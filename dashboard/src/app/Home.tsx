import { Navigate } from "@tanstack/react-router";
import { ChooseBusiness } from "@/app/ChooseBusiness";
import { NotFound } from "@/app/Faults";
import { entriesFor } from "@/app/Navigation";
import { useSession } from "@/lib/session";

/** The bare address: leads to the first page that this person has. */
export function Home() {
  const session = useSession();
  const first = entriesFor(session)[0];
  if (session.me.is_system_admin && !session.business) return <ChooseBusiness />;
  return first ? <Navigate to={first.to} replace /> : <NotFound />;
}
