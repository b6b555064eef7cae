// The head of the table and the board: the same leads, looked at in two ways.

import { Button, SegmentedControl } from "@mantine/core";
import { IconUserPlus } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { ExportLeads } from "@/features/leadflow/ExportLeads";
import { useFilters } from "@/lib/address";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { PageHeader } from "@/ui/PageHeader";
import type { LeadView } from "./filters";
import { NewLead } from "./NewLead";

export function LeadsHeader({ look, view }: { look: "table" | "board"; view?: LeadView }) {
  const t = useT("leads");
  const { may } = useSession();
  const navigate = useNavigate();
  const [{ new: making }, set] = useFilters({ new: "" });
  return (
    <>
      <PageHeader title={t("title")} about={t("about")}>
        <SegmentedControl
          aria-label={t("look.label")}
          value={look}
          data={[
            { value: "table", label: t("look.table") },
            { value: "board", label: t("look.board") },
          ]}
          onChange={(value) =>
            void navigate({
              to: value === "board" ? "/leads/board" : "/leads",
              search: ({ status: _status, ...kept }: Record<string, unknown>) => kept,
            })
          }
        />
        {may("admin") && view && <ExportLeads conditions={view.conditions} narrowed={view.narrowed} />}
        {may("agent") && (
          <Button leftSection={<IconUserPlus size={16} />} onClick={() => set({ new: "yes" })}>
            {t("new.button")}
          </Button>
        )}
      </PageHeader>
      <NewLead opened={making === "yes" && may("agent")} close={() => set({ new: "" })} />
    </>
  );
}
