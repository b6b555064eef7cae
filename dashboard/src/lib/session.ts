// Who is here and in which business. Filled by app/SessionGate.tsx; read by everybody.

import { createContext, useContext } from "react";
import type { Schema } from "@/lib/api";
import type { Language } from "@/lib/i18n";

export type Me = Schema<"Me">;
export type Business = Schema<"BusinessOut">;
export type Role = Schema<"Role">;

const RISING: Role[] = ["viewer", "agent", "admin", "owner"];

export interface Session {
  me: Me;
  /** Null for a system admin who has not entered one. */
  business: Business | null;
  /** Behind which event of the business's feed everything is that its pages have asked for. Null without a business. */
  since: string | null;
  /** Whether the session is over: the page waits, unseen, for whoever was here to sign in again. */
  ended: boolean;
  /** Whether the person may do what needs at least this role. The server decides; this hides what it would refuse. */
  may(least: Role): boolean;
  signOut(): Promise<void>;
  /** Speak another language from now on, here and wherever this person signs in. */
  speak(language: Language): Promise<void>;
  /** For system admins: see another business's pages from now on. */
  enter(businessId: string): Promise<void>;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("This part of the page is only for those who are signed in.");
  return session;
}

/** The business whose pages these are. Pages that need one are only drawn inside one. */
export function useBusiness(): Business {
  const { business } = useSession();
  if (!business) throw new Error("This page is of a business.");
  return business;
}

/** The zone that times are shown in: the business's, and UTC where there is none. */
export function useZone(): string {
  return useContext(SessionContext)?.business?.time_zone ?? "UTC";
}

export function mayAtLeast(me: Me, least: Role): boolean {
  if (me.is_system_admin) return true;
  return me.role !== null && me.role !== undefined && RISING.indexOf(me.role) >= RISING.indexOf(least);
}
