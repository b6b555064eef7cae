// What the server has found, and how a hit is shown: in the palette and on the page of results.

import { Text } from "@mantine/core";
import { features } from "@/features";
import type { FoundKind } from "@/features/types";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { lengthOf, useTime } from "@/lib/time";
import { Marked } from "@/ui/Marked";

export type Hit = Schema<"HitOut">;

/** Fewer letters say nothing. */
export const LEAST_LETTERS = 2;

/** As the server tells them. A kind that is not here comes last. */
const ORDER = ["lead", "note", "list", "call", "turn", "appointment", "task", "agent", "knowledge"];
const placeOf = ({ kind }: FoundKind) => (ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length);

export const kinds = (): FoundKind[] =>
  features.flatMap((feature) => feature.finds ?? []).sort((one, other) => placeOf(one) - placeOf(other));

export const kindOf = (kind: string): FoundKind | undefined => kinds().find((one) => one.kind === kind);

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Who or what was found, the words around it, and when it was. */
export function HitText({ kind, hit }: { kind: string; hit: Hit }) {
  const t = useT("shell");
  const time = useTime();
  const { data } = hit;
  const phone = textOf(data.phone);
  const starts = textOf(data.starts_at);
  const who = textOf(data.who);
  const facts = [
    starts ? time.dateTime(starts) : kind === "call" || kind === "turn" ? time.dateTime(hit.at) : "",
    who && t(`found.said_by.${who}`),
    typeof data.seconds === "number" ? t("found.at_second", { time: lengthOf(data.seconds) }) : "",
    data.archived === true ? t("found.archived") : "",
    kind === "task" && textOf(data.due_at) ? t("found.due", { at: time.dateTime(textOf(data.due_at)) }) : "",
    data.state === "done" ? t("found.done") : "",
    data.state === "cancelled" ? t("found.cancelled") : "",
  ].filter(Boolean);
  return (
    <>
      <Text size="sm" fw={500} truncate>
        {hit.title ? <Marked text={hit.title} marks={hit.title_marks} /> : <bdi dir="ltr">{phone || t("found.nameless")}</bdi>}
        {hit.title && phone && kind !== "turn" && (
          <Text span size="xs" c="dimmed" ms="xs">
            <bdi dir="ltr">{phone}</bdi>
          </Text>
        )}
      </Text>
      {hit.excerpt && (
        <Text size="sm" lineClamp={2}>
          <Marked text={hit.excerpt} marks={hit.excerpt_marks} />
        </Text>
      )}
      {facts.length > 0 && (
        <Text size="xs" c="dimmed">
          {facts.join(" · ")}
        </Text>
      )}
    </>
  );
}

/** What was looked for in place of a word that is nowhere. */
export function Meant({ meant }: { meant: Record<string, string[]> }) {
  const t = useT("shell");
  const typed = Object.keys(meant);
  if (typed.length === 0) return null;
  const words = [...new Set(Object.values(meant).flat())].slice(0, 4).join(", ");
  return (
    <Text size="xs" c="dimmed">
      {t("found.meant", { typed: typed.join(", "), words })}
    </Text>
  );
}
