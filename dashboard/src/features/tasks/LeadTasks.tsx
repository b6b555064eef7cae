// What is to be done about a lead, on its page.

import { Button, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { TextLink } from "@/ui/LinkTo";
import { Panel } from "@/ui/Panel";
import { TaskDialog } from "./TaskDialog";
import { TaskTable } from "./TaskTable";
import type { Task } from "./words";

const FEW = 5;

export function LeadTasks({ leadId }: { leadId: string }) {
  const t = useT("tasks");
  const { may } = useSession();
  const [open, setOpen] = useState<Task | "new" | null>(null);
  const found = api.useQuery("get", "/api/tasks", { params: { query: { lead_id: leadId, limit: FEW } } });
  return (
    <Panel
      title={t("of_lead.title")}
      actions={
        may("agent") && (
          <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={() => setOpen("new")}>
            {t("new.button")}
          </Button>
        )
      }
    >
      <Answer of={found}>
        {({ tasks, next_cursor: more }) =>
          tasks.length === 0 ? (
            <Text size="sm" c="dimmed">
              {t("of_lead.none")}
            </Text>
          ) : (
            <>
              <TaskTable tasks={tasks} open={setOpen} ofLead />
              {more && (
                <TextLink to="/tasks" search={{ lead: leadId }} size="sm">
                  {t("of_lead.all")}
                </TextLink>
              )}
            </>
          )
        }
      </Answer>
      {open && <TaskDialog task={open === "new" ? null : open} leadId={leadId} close={() => setOpen(null)} />}
    </Panel>
  );
}
