import { Badge } from "@mantine/core";
import type { ReactNode } from "react";

/** What a state means to a person: `busy` goes on now, `wait` wants something, `odd` nobody knows. */
export type Tone = "good" | "bad" | "busy" | "wait" | "odd" | "quiet";

export const TONES: Record<Tone, string> = {
  good: "green",
  bad: "red",
  busy: "trunk",
  wait: "yellow",
  odd: "grape",
  quiet: "gray",
};

export function StatusBadge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <Badge color={TONES[tone]} data-tone={tone}>
      {children}
    </Badge>
  );
}
