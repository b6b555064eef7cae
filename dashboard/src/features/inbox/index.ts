// The inbox: what people and the business write to each other, the numbers it goes by, and words kept for it.

import { IconMessages } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";
import { Unread } from "./Unread";

export const inbox: Feature = {
  id: "inbox",
  words: ["settings", "leads"],
  routes: [
    { path: "/inbox", page: () => import("./InboxPage") },
    { path: "/inbox/replies", page: () => import("./RepliesPage"), least: "agent" },
    { path: "/settings/messaging", page: () => import("./AccountsPage"), least: "admin" },
  ],
  nav: [{ section: "day", order: 15, label: msg("shell:nav.inbox"), to: "/inbox", icon: IconMessages, beside: Unread }],
  live: {
    "message.": ["/api/conversations"],
    "conversation.": ["/api/conversations", "/api/conversation-findings/{chat_session_id}"],
    "chat_account.": ["/api/chat-accounts"],
    "canned_reply.": ["/api/canned-replies"],
  },
  commands: [
    { id: "inbox.write", label: msg("shell:command.write"), icon: IconMessages, least: "agent", to: "/inbox?write=yes" },
  ],
};
