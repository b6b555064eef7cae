// Whose a task is, and which lead it is about.

import { Select } from "@mantine/core";
import { useT } from "@/lib/i18n";
import { usePeople } from "@/lib/people";
import { PickLead } from "@/ui/PickLead";

interface Choice {
  value: string | null;
  onChange: (id: string | null) => void;
}

export function Assignee({ value, onChange }: Choice) {
  const t = useT("tasks");
  const people = usePeople();
  return (
    <Select
      label={t("field.assignee")}
      placeholder={t("field.assignee_none")}
      data={people}
      value={value}
      onChange={onChange}
      searchable
      clearable
    />
  );
}

export function About({ value, onChange }: Choice) {
  const t = useT("tasks");
  return (
    <PickLead
      label={t("field.lead")} placeholder={t("field.lead_hint")} nobody={t("field.lead_none")}
      value={value} onChange={onChange}
    />
  );
}
