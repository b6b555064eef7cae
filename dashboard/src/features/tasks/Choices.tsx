// Whose a task is, and which lead it is about.

import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { usePeople } from "@/lib/people";
import { isolated } from "@/lib/phones";

interface Choice {
  value: string | null;
  onChange: (id: string | null) => void;
}

const FOUND = 20;
const REST_MS = 250;
const labelOf = ({ name, phone }: { name: string; phone: string }) => (name ? `${name} · ${isolated(phone)}` : isolated(phone));

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
  const [words, setWords] = useState("");
  const [rested] = useDebouncedValue(words.trim(), REST_MS);
  const query = { search: rested || undefined, limit: FOUND };
  const found = api.useQuery("get", "/api/leads", { params: { query } }, { placeholderData: keepPreviousData });
  const known = api.useQuery(
    "get",
    "/api/leads/{lead_id}",
    { params: { path: { lead_id: value ?? "" } } },
    { enabled: value !== null },
  );
  const rows = [...(found.data?.leads ?? [])];
  if (known.data && !rows.some((lead) => lead.id === known.data.id)) rows.unshift(known.data);
  return (
    <Select
      label={t("field.lead")}
      placeholder={t("field.lead_hint")}
      data={rows.map((lead) => ({ value: lead.id, label: labelOf(lead) }))}
      value={value}
      onChange={onChange}
      // What is found was found by the server: also by a number in another form.
      filter={({ options }) => options}
      onSearchChange={(typed) => !rows.some((lead) => typed === labelOf(lead)) && setWords(typed)}
      searchable
      clearable
      nothingFoundMessage={t("field.lead_none")}
    />
  );
}
