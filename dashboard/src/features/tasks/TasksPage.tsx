import { Button, Checkbox, Group, SegmentedControl, Select, Stack } from "@mantine/core";
import { IconChecklist, IconPlus } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { useFilters } from "@/lib/address";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { usePeople } from "@/lib/people";
import { useBusiness, useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { EmptyState } from "@/ui/EmptyState";
import { PageHeader } from "@/ui/PageHeader";
import { Pager, usePages } from "@/ui/Pager";
import { TaskBoard } from "./TaskBoard";
import { TaskDialog } from "./TaskDialog";
import { TaskTable } from "./TaskTable";
import type { Task } from "./words";

const NOTHING = { look: "", assignee: "", state: "", overdue: "", lead: "", new: "" };
type State = "open" | "todo" | "doing" | "done";

export default function TasksPage() {
  const t = useT("tasks");
  const { may, me } = useSession();
  const people = usePeople();
  const { time_zone: zone } = useBusiness();
  const [filters, set] = useFilters(NOTHING);
  const [open, setOpen] = useState<Task | null>(null);
  const isBoard = filters.look === "board";
  const conditions = { assignee: filters.assignee || undefined, overdue: filters.overdue === "yes" || undefined };
  const isFiltered = Boolean(filters.assignee || filters.state || filters.overdue || filters.lead);
  return (
    <>
      <PageHeader title={t("title")} about={t("about", { zone })}>
        <SegmentedControl
          aria-label={t("look.label")}
          value={isBoard ? "board" : "list"}
          data={["list", "board"].map((value) => ({ value, label: t(`look.${value}`) }))}
          onChange={(look) => set({ look: look === "board" ? look : "", state: "" })}
        />
        {may("agent") && (
          <Button leftSection={<IconPlus size={16} />} onClick={() => set({ new: "yes" })}>
            {t("new.button")}
          </Button>
        )}
      </PageHeader>
      <Stack gap="sm">
        <Group gap="xs" role="search" aria-label={t("filter.label")}>
          <Select
            aria-label={t("filter.assignee")}
            placeholder={t("filter.assignee")}
            data={[
              { value: "me", label: t("filter.mine") },
              { value: "nobody", label: t("filter.nobody") },
              ...people.filter(({ value }) => value !== me.user_id),
            ]}
            value={filters.assignee || null}
            onChange={(assignee) => set({ assignee: assignee ?? "" })}
            searchable
            clearable
            w="11rem"
          />
          {!isBoard && (
            <Select
              aria-label={t("filter.state")}
              data={["open", "todo", "doing", "done"].map((value) => ({ value, label: t(`state.${value}`) }))}
              value={filters.state || "open"}
              onChange={(state) => set({ state: state === "open" || !state ? "" : state })}
              allowDeselect={false}
              w="10rem"
            />
          )}
          <Checkbox
            label={t("filter.overdue")}
            checked={filters.overdue === "yes"}
            onChange={(event) => set({ overdue: event.currentTarget.checked ? "yes" : "" })}
          />
        </Group>
        {isBoard ? (
          <TaskBoard conditions={conditions} open={setOpen} />
        ) : (
          <List
            query={{ ...conditions, state: (filters.state || "open") as State, lead_id: filters.lead || undefined }}
            isFiltered={isFiltered}
            open={setOpen}
            all={() => set(NOTHING)}
            begin={may("agent") ? () => set({ new: "yes" }) : undefined}
          />
        )}
      </Stack>
      {filters.new === "yes" && may("agent") && <TaskDialog task={null} leadId={filters.lead || undefined} close={() => set({ new: "" })} />}
      {open && <TaskDialog key={open.id} task={open} close={() => setOpen(null)} />}
    </>
  );
}

interface ListProps {
  query: { assignee?: string; overdue?: boolean; state: State; lead_id?: string };
  isFiltered: boolean;
  open: (task: Task) => void;
  all: () => void;
  /** Write the first one; missing for who may not. */
  begin?: () => void;
}

function List({ query, isFiltered, open, all, begin }: ListProps) {
  const t = useT("tasks");
  const pages = usePages(JSON.stringify(query));
  const found = api.useQuery(
    "get",
    "/api/tasks",
    { params: { query: { ...query, cursor: pages.cursor } } },
    { placeholderData: keepPreviousData },
  );
  return (
    <Answer of={found}>
      {({ tasks, next_cursor: following }) =>
        tasks.length > 0 ? (
          <div aria-busy={found.isPlaceholderData}>
            <TaskTable tasks={tasks} open={open} />
            <Pager pages={pages} following={following} busy={found.isPlaceholderData} />
          </div>
        ) : isFiltered ? (
          <EmptyState icon={IconChecklist} title={t("none_found.title")} body={t("none_found.body")}>
            <Button variant="default" onClick={all}>
              {t("filter.all")}
            </Button>
          </EmptyState>
        ) : (
          <EmptyState icon={IconChecklist} title={t("none.title")} body={t("none.body")}>
            {begin && <Button onClick={begin}>{t("new.button")}</Button>}
          </EmptyState>
        )
      }
    </Answer>
  );
}
