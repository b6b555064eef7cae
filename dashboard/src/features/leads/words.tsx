// How leads, their statuses and their consent are named and shown, wherever they are.

import { Badge, Group } from "@mantine/core";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

export type Lead = Schema<"LeadOut">;
export type LeadStatus = Schema<"StatusOut">;

const CONSENT_TONES: Record<string, Tone> = { express: "good", written: "good", none: "quiet", withdrawn: "bad" };

/** What a lead is called: by their name, or, where nobody knows it, by their number. */
export const nameOf = (lead: { name: string; phone: string }): string => lead.name || lead.phone;

export function Phone({ children }: { children: string }) {
  return (
    <bdi dir="ltr" className="numbers">
      {children}
    </bdi>
  );
}

export function LeadStatusBadge({ status }: { status: Pick<LeadStatus, "name" | "colour"> }) {
  return (
    <Badge color={status.colour}>
      <bdi>{status.name}</bdi>
    </Badge>
  );
}

export function ConsentBadge({ consent }: { consent: string }) {
  const t = useT("leads");
  return <StatusBadge tone={CONSENT_TONES[consent] ?? "quiet"}>{t(`consent.${consent}`)}</StatusBadge>;
}

export function Tags({ tags }: { tags: string[] }) {
  return (
    <Group gap={4}>
      {tags.map((tag) => (
        <Badge key={tag} variant="outline" color="gray" size="sm">
          <bdi>{tag}</bdi>
        </Badge>
      ))}
    </Group>
  );
}

/** Where a lead came from: an imported list, a call, a person; or what somebody wrote for it. */
export function SourceName({ source }: { source: string }) {
  const t = useT("leads");
  if (source.startsWith("list:")) return <bdi>{t("source.list", { name: source.slice("list:".length) })}</bdi>;
  if (source === "call" || source === "person") return <>{t(`source.${source}`)}</>;
  return <bdi>{source}</bdi>;
}
