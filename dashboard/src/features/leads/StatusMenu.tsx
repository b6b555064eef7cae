// A lead's status as a button that gives them another one.

import { Menu, UnstyledButton } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { LeadStatusBadge, nameOf, type Lead, type LeadStatus } from "./words";

export function StatusMenu({ lead, statuses }: { lead: Lead; statuses: LeadStatus[] }) {
  const t = useT("leads");
  const act = useAct();
  const queries = useQueryClient();
  const { may } = useSession();
  const now = statuses.find((status) => status.id === lead.status_id);
  if (!now) return null;
  if (!may("agent")) return <LeadStatusBadge status={now} />;
  const give = async (status: LeadStatus) => {
    const path = { lead_id: lead.id };
    await act(() => client.POST("/api/leads/{lead_id}/move", { params: { path }, body: { status_id: status.id } }));
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads"] });
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/{lead_id}"] });
  };
  return (
    <Menu shadow="md" position="bottom-start">
      <Menu.Target>
        <UnstyledButton aria-label={t("status.of", { name: nameOf(lead), status: now.name })}>
          <LeadStatusBadge status={now} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {statuses.map((status) => (
          <Menu.Item
            key={status.id}
            onClick={() => void give(status)}
            rightSection={status === now ? <IconCheck size={14} /> : undefined}
          >
            <LeadStatusBadge status={status} />
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
