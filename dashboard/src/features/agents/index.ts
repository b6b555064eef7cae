import { IconFileText, IconHeadset, IconPlus } from "@tabler/icons-react";
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
  finds: [
    { kind: "agent", label: msg("shell:found.agent"), icon: IconHeadset, to: (hit) => ({ path: `/agents/${hit.id}` }) },
    {
      kind: "knowledge", label: msg("shell:found.knowledge"), icon: IconFileText,
      // What every agent knows stands with each of them.
      to: ({ data }) =>
        data.agent_id ? { path: `/agents/${String(data.agent_id)}`, search: { tab: "knowledge" } } : { path: "/agents" },
    },
  ],
  commands: [
    { id: "new-agent", label: msg("shell:command.new_agent"), icon: IconPlus, least: "admin", to: "/agents/new" },
  ],
};
