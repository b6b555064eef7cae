// How conversations and messages are called, and the signs of how far a message is.

import { Group, Text, Tooltip } from "@mantine/core";
import {
  IconAlertTriangle, IconBan, IconCheck, IconChecks, IconClock, IconHelpCircle, IconPencil, IconSend, type Icon,
} from "@tabler/icons-react";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

export type Conversation = Schema<"ConversationOut">;
export type OpenConversation = Schema<"OpenConversationOut">;
export type Message = Schema<"MessageOut">;
export type Account = Schema<"AccountOut">;
export type Template = Schema<"TemplateOut">;

/** What somebody is called: the lead's name, else their own at the provider, else their number. */
export const nameOf = ({ lead_name, name, address }: Pick<Conversation, "lead_name" | "name" | "address">) =>
  (lead_name ?? "") || name || address;

export const STATES = ["open", "pending", "resolved"] as const;
export type State = (typeof STATES)[number];
export const AI_MODES = ["on", "drafts", "off"] as const;
export type AiMode = (typeof AI_MODES)[number];

const STATE_TONES: Record<string, Tone> = { open: "busy", pending: "wait", resolved: "quiet" };

export function ConversationStateBadge({ state }: { state: string }) {
  const t = useT("inbox");
  return <StatusBadge tone={STATE_TONES[state] ?? "quiet"}>{t(`state.${state}`)}</StatusBadge>;
}

interface Sign {
  icon: Icon;
  colour: string;
}

const SIGNS: Record<string, Sign> = {
  draft: { icon: IconPencil, colour: "dimmed" },
  queued: { icon: IconClock, colour: "dimmed" },
  sending: { icon: IconSend, colour: "dimmed" },
  sent: { icon: IconCheck, colour: "dimmed" },
  delivered: { icon: IconChecks, colour: "dimmed" },
  read: { icon: IconChecks, colour: "trunk" },
  failed: { icon: IconAlertTriangle, colour: "red" },
  uncertain: { icon: IconHelpCircle, colour: "grape" },
  cancelled: { icon: IconBan, colour: "dimmed" },
};

/** How far a message is, by a sign and in a word; held over, since when. */
export function Standing({ message }: { message: Message }) {
  const t = useT("inbox");
  const time = useTime();
  const sign = SIGNS[message.state];
  if (!sign) return null;
  const since = message.read_at ?? message.delivered_at ?? message.sent_at;
  const about = t(`message.about.${message.state}`);
  const words = since ? `${about} ${time.dateTime(since)}` : about;
  return (
    <Tooltip label={words} multiline maw="18rem">
      <Group gap={3} wrap="nowrap" component="span" data-message-state={message.state}>
        <Text span inherit c={sign.colour} lh={0}>
          <sign.icon size={14} aria-hidden />
        </Text>
        <Text span inherit c={sign.colour}>
          {t(`message.state.${message.state}`)}
        </Text>
      </Group>
    </Tooltip>
  );
}

const REASONS = [
  "rate", "later", "window", "opted_out", "no_such_person", "message", "account", "disconnected", "file_gone", "taken_back",
];

/** Why a message did not go, in words; the provider's own stand beside it. */
export function useReason(): (reason: string | null) => string {
  const t = useT("inbox");
  return (reason) => t(reason !== null && REASONS.includes(reason) ? `reason.${reason}` : "reason.other");
}
