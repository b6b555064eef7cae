// How runs, their leads and their dials are called, and in which colours they are shown.

import { Badge } from "@mantine/core";
import { useT } from "@/lib/i18n";

const RUN_COLOURS: Record<string, string> = {
  pending: "gray", running: "trunk", paused: "yellow", completed: "green", cancelled: "gray", failed: "red",
};
const ITEM_COLOURS: Record<string, string> = {
  queued: "gray", retry_wait: "gray", dialling: "trunk", in_call: "trunk", wrap_up: "trunk", completed: "green",
  failed: "red", cancelled: "gray", unknown: "orange",
};
const DIAL_COLOURS: Record<string, string> = {
  submitting: "trunk", placed: "trunk", ringing: "trunk", answered: "trunk", ended: "gray", rejected: "red",
  unknown: "orange",
};

export const ITEM_STATES = [
  "queued", "retry_wait", "dialling", "in_call", "wrap_up", "completed", "failed", "cancelled", "unknown",
] as const;
export type ItemState = (typeof ITEM_STATES)[number];

export const RETRYABLE = [
  "busy", "no_answer", "voicemail", "no_response", "failed", "no_conversation", "cut_off", "our_fault",
] as const;

export function RunStateBadge({ state }: { state: string }) {
  const t = useT("runs");
  return (
    <Badge color={RUN_COLOURS[state]} data-state={state}>
      {t(`state.${state}`)}
    </Badge>
  );
}

export function ItemStateBadge({ state }: { state: string }) {
  const t = useT("runs");
  return (
    <Badge color={ITEM_COLOURS[state]} data-state={state}>
      {t(`item.${state}`)}
    </Badge>
  );
}

export function DialStateBadge({ state }: { state: string }) {
  const t = useT("runs");
  return (
    <Badge color={DIAL_COLOURS[state]} data-state={state}>
      {t(`dial.${state}`)}
    </Badge>
  );
}

/** What came of a lead or a dial, in words; a tool may note an outcome of its own, which stands as it is. */
export function Outcome({ code }: { code: string | null }) {
  const t = useT("runs");
  if (!code) return <>–</>;
  const word = t([`outcome.${code}`, "outcome.other"], { code });
  return <bdi>{word}</bdi>;
}
