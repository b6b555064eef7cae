// How calls are told of: where they stand, what they came to, which way they went, how long they took.

import { Group, Text } from "@mantine/core";
import { IconArrowDownLeft, IconArrowUpRight, IconDeviceLaptop } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { lengthOf } from "@/lib/time";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

export type Call = Schema<"CallRow">;

export const isOpen = (call: Pick<Call, "state">): boolean => call.state !== "ended";

/** Outcomes that have words; agents may note others of their own. */
export const OUTCOMES = [
  "booked", "callback_requested", "declined", "opted_out", "transferred", "voicemail", "no_response", "not_understood",
  "answered", "busy", "no_answer", "failed", "cancelled", "cut_off", "our_fault", "no_conversation", "rejected_capacity",
  "refused", "suppressed", "lost",
] as const;

const TONES: Record<string, Tone> = {
  booked: "good", transferred: "good", answered: "good",
  callback_requested: "wait", voicemail: "quiet", no_response: "quiet", no_answer: "quiet", busy: "quiet", cancelled: "quiet",
  no_conversation: "quiet", declined: "quiet", not_understood: "wait",
  opted_out: "bad", failed: "bad", cut_off: "bad", our_fault: "bad", rejected_capacity: "bad", refused: "bad",
  suppressed: "bad", lost: "odd",
};

/** Returns what turns an outcome into words; one that has none is told as it was noted. */
export function useOutcome(): (code: string) => string {
  const t = useT("calls");
  return (code) => t([`outcome.${code}`, "outcome_unknown"], { code: code.replaceAll("_", " ") });
}

/** Returns what turns the reason of a call's end into words. */
export function useReason(): (code: string) => string {
  const t = useT("calls");
  return (code) => t([`reason.${code}`, "reason_unknown"], { code: code.replaceAll("_", " ") });
}

/** What a call came to; while it is not over, where it stands. */
export function CameTo({ call }: { call: Pick<Call, "state" | "disposition" | "away" | "answered_at"> }) {
  const t = useT("calls");
  const outcome = useOutcome();
  if (isOpen(call)) {
    if (call.away) return <StatusBadge tone="wait">{t(`away.${call.away}`)}</StatusBadge>;
    return <StatusBadge tone={call.state === "live" ? "busy" : "wait"}>{t(`state.${call.state}`)}</StatusBadge>;
  }
  if (!call.disposition) return <StatusBadge tone="quiet">{t("state.ended")}</StatusBadge>;
  if (call.disposition === "cancelled" && call.answered_at) return <StatusBadge tone="quiet">{t("ended_by_us")}</StatusBadge>;
  return <StatusBadge tone={TONES[call.disposition] ?? "quiet"}>{outcome(call.disposition)}</StatusBadge>;
}

/** Inbound or outbound. */
export function Direction({ call }: { call: Pick<Call, "direction" | "carrier"> }) {
  const t = useT("calls");
  const Icon = call.carrier === "browser" ? IconDeviceLaptop : call.direction === "inbound" ? IconArrowDownLeft : IconArrowUpRight;
  const word = call.carrier === "browser" ? t("direction.browser") : t(`direction.${call.direction}`);
  return (
    <Group gap={6} wrap="nowrap">
      <Icon size={16} className="points" aria-hidden />
      <Text span size="sm">
        {word}
      </Text>
    </Group>
  );
}

/** How long was talked; it runs on while the call is live. */
export function Talked({ call }: { call: Pick<Call, "answered_at" | "ended_at"> }) {
  const runs = Boolean(call.answered_at) && !call.ended_at;
  const now = useNow(runs);
  if (!call.answered_at) return <>–</>;
  const end = call.ended_at ? Date.parse(call.ended_at) : now;
  return <span className="numbers">{lengthOf((end - Date.parse(call.answered_at)) / 1000)}</span>;
}

function useNow(runs: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!runs) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [runs]);
  return now;
}

/** Who it was with: the lead's name and number, or the number alone. */
export function With({ call }: { call: Pick<Call, "lead_name" | "theirs"> }) {
  return call.lead_name ? (
    <>
      <bdi>{call.lead_name}</bdi>{" "}
      <Text span size="sm" c="dimmed" dir="ltr">
        {call.theirs}
      </Text>
    </>
  ) : (
    <bdi dir="ltr">{call.theirs}</bdi>
  );
}
