// What a notification says, from its code and facts, and where it leads.

import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";

export type Notification = Schema<"NotificationOut">;

interface Said {
  text: string;
  to: string;
}

/** Returns what puts a notification into words. */
export function useSaying(): (notification: Notification) => Said {
  const t = useT("notifications");
  const time = useTime();
  return ({ kind, data }) => {
    const facts = data as Record<string, string | null>;
    const clock = facts.at ? time.clock(facts.at) : "";
    switch (kind) {
      case "task_due": {
        const key = facts.time === null ? "kind.task_due.text_today" : "kind.task_due.text";
        return { text: t(key, { clock, title: facts.title }), to: `/tasks/${facts.task_id}` };
      }
      case "task_assigned":
        return { text: t("kind.task_assigned.text", { by: facts.by, title: facts.title }), to: `/tasks/${facts.task_id}` };
      case "appointment_soon": {
        const key = facts.lead_name ? "kind.appointment_soon.text_with" : "kind.appointment_soon.text";
        return { text: t(key, { clock, name: facts.lead_name }), to: "/appointments" };
      }
      case "conversation_needs_person":
        return { text: t("kind.conversation_needs_person.text", { name: facts.name }), to: `/inbox/${facts.conversation_id}` };
      default:
        return { text: t("kind.other.text"), to: "/notifications" };
    }
  };
}
