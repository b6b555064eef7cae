// The door: finds out who is here, lets them in, and shows the sign-in form to whoever is not.

import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import i18next from "i18next";
import { useCallback, useEffect, useLayoutEffect, useMemo, type ReactNode } from "react";
import { cache } from "@/app/cache";
import { SetAside } from "@/app/SetAside";
import { SignIn } from "@/app/SignIn";
import { onTabs, tellTabs } from "@/app/tabs";
import { actAs, api, client, onAnswer } from "@/lib/api";
import { ApiError, hasCode } from "@/lib/errors";
import { chooseLanguage, isLanguage, msg } from "@/lib/i18n";
import { mayAtLeast, SessionContext, type Me, type Session } from "@/lib/session";
import { Away } from "@/ui/Away";
import { ErrorNote } from "@/ui/ErrorNote";
import { Loading } from "@/ui/Loading";

const ME = ["get", "/api/me"] as const;
const NEWS_ONLY = { params: { query: { after: "latest" } } };

const placeOf = (me: Me) => `${me.user_id} ${me.business_id}`;
const known = () => cache.getQueryData<Me | null>(ME) ?? null;

/** Forget what others were told, or this person in another business. */
function forget(): void {
  cache.removeQueries({ predicate: (query) => query.queryKey[1] !== ME[1] });
}

/** Somebody is here now, or nobody. Who comes back to where they were finds it as it was. */
function settle(me: Me | null): void {
  const before = known();
  actAs(me);
  // What is on its way was asked of the session that was.
  void cache.cancelQueries({ queryKey: ME, exact: true });
  cache.setQueryData(ME, me);
  if (me && before && placeOf(me) === placeOf(before)) void cache.invalidateQueries();
  else forget();
}

/** Whether this tab is itself going elsewhere. */
let going = false;

/** Who is here. Throws `not_signed_in` where somebody was: their pages are kept for their return. */
async function whoIsHere(): Promise<Me | null> {
  const before = known();
  try {
    const now = (await client.GET("/api/me")).data ?? null;
    if (now && before && placeOf(now) !== placeOf(before) && !going) {
      forget();
      notifications.show({
        color: "yellow",
        title: i18next.t(msg("shell:moved.title")),
        message: i18next.t(msg("shell:moved.body")),
        autoClose: false,
        role: "alert",
      });
    }
    return now;
  } catch (failure) {
    if (hasCode(failure, "not_signed_in") && !known()) return null;
    throw failure;
  }
}

const askAgain = () => void cache.refetchQueries({ queryKey: ME, exact: true }, { cancelRefetch: false });

export function SessionGate({ children }: { children: ReactNode }) {
  const who = useQuery({ queryKey: ME, queryFn: whoIsHere, staleTime: 60_000 });
  const me = who.data ?? null;
  const ended = me !== null && hasCode(who.error, "not_signed_in");
  const hears = me !== null && !ended;

  // Before the pages ask for anything: children's effects run after this, and their queries in those.
  useLayoutEffect(() => actAs(me), [me]);

  useEffect(() => {
    if (!hears) return undefined;
    return onAnswer((failure) => {
      const isElse = failure instanceof ApiError && (failure.status === 401 || failure.code === "other_business");
      if (isElse && !going) askAgain();
    });
  }, [hears]);

  useEffect(() => onTabs((change) => (change === "left" ? settle(null) : askAgain())), []);

  const entered = useCallback(async (next: Me) => {
    await speakTo(next);
    settle(next);
    tellTabs("entered");
  }, []);

  useEffect(() => {
    if (me) void speakTo(me);
  }, [me]);

  if (who.isPending) return who.failureReason ? <Away /> : <Loading />;
  if (who.isError && !me) return <ErrorNote error={who.error} retry={() => void who.refetch()} />;
  if (!me) return <SignIn ended={false} entered={entered} />;
  return (
    <>
      {ended && <SetAside />}
      {ended && <SignIn ended entered={entered} />}
      <div hidden={ended} inert={ended}>
        <Inside key={placeOf(me)} me={me} ended={ended}>
          {children}
        </Inside>
      </div>
    </>
  );
}

/** Use the language that this person has chosen, on whichever machine. */
async function speakTo(me: Me): Promise<void> {
  if (isLanguage(me.language) && document.documentElement.lang !== me.language) await chooseLanguage(me.language);
}

function Inside({ me, ended, children }: { me: Me; ended: boolean; children: ReactNode }) {
  const router = useRouter();
  const business = api.useQuery("get", "/api/business", {}, { enabled: me.business_id !== null, staleTime: 60_000 });
  // Known before the pages ask for anything, so that they hear of all that happens after their first answers.
  const feed = api.useQuery("get", "/api/events", NEWS_ONLY, {
    enabled: (query) => me.business_id !== null && query.state.data === undefined,
  });
  const since = feed.data?.cursor ?? null;
  const session = useMemo<Session>(
    () => ({
      me,
      business: business.data ?? null,
      since,
      ended,
      may: (least) => mayAtLeast(me, least),
      async signOut() {
        // What one is told is nobody else's business who uses this browser later.
        if (me.business_id !== null && !me.is_system_admin) await (await import("@/features/notifications/push")).forgetHere();
        await client.POST("/api/sign-out");
        settle(null);
        tellTabs("left");
      },
      async speak(language) {
        await chooseLanguage(language);
        const { data } = await client.PATCH("/api/me", { body: { language } });
        if (data) cache.setQueryData(ME, data);
      },
      async enter(businessId) {
        going = true;
        try {
          await client.POST("/api/admin/enter-business", { body: { business_id: businessId } });
          const { data } = await client.GET("/api/me");
          settle(data ?? null);
          tellTabs("entered");
        } finally {
          going = false;
        }
        await router.navigate({ to: "/" });
      },
    }),
    [me, ended, business.data, since, router],
  );
  const missing = [business, feed].filter((one) => !one.data);
  if (me.business_id !== null && missing.length > 0) {
    const failed = missing.find((one) => one.isError);
    if (failed) return <ErrorNote error={failed.error} retry={() => void failed.refetch()} />;
    return missing.some((one) => one.failureReason) ? <Away /> : <Loading />;
  }
  return <SessionContext value={session}>{children}</SessionContext>;
}
