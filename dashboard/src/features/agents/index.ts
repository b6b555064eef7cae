import { IconHeadset, IconPlus } from "@tabler/icons-react";
import type { Feature } from "@/features/types";
import { msg } from "@/lib/i18n";

export const agents: Feature = {
  id: "agents",
  words: ["calls", "script", "talk"],
  routes: [
    { path: "/agents", page: () => import("@/features/agents/AgentsPage") },
    { path: "/agents/new", page: () => import("@/features/agents/NewAgentPage"), least: "admin" },
    { path: "/agents/$agentId", page: () => import("@/features/agents/AgentPage") },
  ],
  nav: [{ section: "work", order: 40, label: msg("shell:nav.agents"), to: "/agents", icon: IconHeadset }],
  live: {
    "agent.": ["/api/agents"],
    "knowledge.": ["/api/knowledge", "/api/agents"],
    "number.": ["/api/agents", "/api/agent-options"],
    "key.": ["/api/agents", "/api/agent-options"],
  },
  commands: [
    { id: "new-agent", label: msg("shell:command.new_agent"), icon: IconPlus, least: "admin", to: "/agents/new" },
  ],
};
