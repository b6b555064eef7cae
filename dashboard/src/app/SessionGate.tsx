// The door: finds out who is here, lets them in, and shows the sign-in form to whoever is not.

import { useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import { cache } from "@/app/cache";
import { SignIn } from "@/app/SignIn";
import { api, client, onAnswer } from "@/lib/api";
import { ApiError, hasCode } from "@/lib/errors";
import { chooseLanguage, isLanguage } from "@/lib/i18n";
import { mayAtLeast, SessionContext, type Me, type Session } from "@/lib/session";
import { Away } from "@/ui/Away";
import { ErrorNote } from "@/ui/ErrorNote";
import { Loading } from "@/ui/Loading";

const ME = ["get", "/api/me"] as const;

/** Somebody is here now, or nobody. What others were told, or this person in another business, is forgotten. */
function settle(me: Me | null): void {
  cache.setQueryData(ME, me);
  cache.removeQueries({ predicate: (query) => query.queryKey[1] !== ME[1] });
}

async function whoIsHere(): Promise<Me | null> {
  try {
    return (await client.GET("/api/me")).data ?? null;
  } catch (failure) {
    if (hasCode(failure, "not_signed_in")) return null;
    throw failure;
  }
}

export function SessionGate({ children }: { children: ReactNode }) {
  const who = useQuery({ queryKey: ME, queryFn: whoIsHere, staleTime: 60_000 });
  const [ended, setEnded] = useState(false);
  const me = who.data ?? null;
  const signedIn = me !== null;

  useEffect(() => {
    if (!signedIn) return undefined;
    return onAnswer((failure) => {
      if (failure instanceof ApiError && failure.status === 401) setEnded(true);
    });
  }, [signedIn]);

  const entered = useCallback(
    async (next: Me) => {
      await speakTo(next);
      settle(next);
      setEnded(false);
    },
    [],
  );

  useEffect(() => {
    if (me) void speakTo(me);
  }, [me]);

  if (who.isPending) return who.failureReason ? <Away /> : <Loading />;
  if (who.isError && !me) return <ErrorNote error={who.error} retry={() => void who.refetch()} />;
  if (!me || ended) return <SignIn ended={ended} entered={entered} />;
  return (
    <Inside key={`${me.user_id} ${me.business_id}`} me={me}>
      {children}
    </Inside>
  );
}

/** Use the language that this person has chosen, on whichever machine. */
async function speakTo(me: Me): Promise<void> {
  if (isLanguage(me.language) && document.documentElement.lang !== me.language) await chooseLanguage(me.language);
}

function Inside({ me, children }: { me: Me; children: ReactNode }) {
  const router = useRouter();
  const business = api.useQuery("get", "/api/business", {}, { enabled: me.business_id !== null, staleTime: 60_000 });
  const session = useMemo<Session>(
    () => ({
      me,
      business: business.data ?? null,
      may: (least) => mayAtLeast(me, least),
      async signOut() {
        await client.POST("/api/sign-out");
        settle(null);
      },
      async speak(language) {
        await chooseLanguage(language);
        const { data } = await client.PATCH("/api/me", { body: { language } });
        if (data) cache.setQueryData(ME, data);
      },
      async enter(businessId) {
        await client.POST("/api/admin/enter-business", { body: { business_id: businessId } });
        const { data } = await client.GET("/api/me");
        settle(data ?? null);
        await router.navigate({ to: "/" });
      },
    }),
    [me, business.data, router],
  );
  if (me.business_id !== null && !business.data) {
    if (business.isError) return <ErrorNote error={business.error} retry={() => void business.refetch()} />;
    return business.failureReason ? <Away /> : <Loading />;
  }
  return <SessionContext value={session}>{children}</SessionContext>;
}
