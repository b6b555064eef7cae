// One lead, found by the server as one types: by name, or by a number in any form.

import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/lib/api";
import { isolated } from "@/lib/phones";

const FOUND = 20;
const REST_MS = 250;
const labelOf = ({ name, phone }: { name: string; phone: string }) => (name ? `${name} · ${isolated(phone)}` : isolated(phone));

interface Props {
  label: string;
  placeholder: string;
  /** What is said where nobody is found. */
  nobody: string;
  value: string | null;
  onChange: (id: string | null) => void;
}

export function PickLead({ label, placeholder, nobody, value, onChange }: Props) {
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
      label={label}
      placeholder={placeholder}
      data={rows.map((lead) => ({ value: lead.id, label: labelOf(lead) }))}
      value={value}
      onChange={onChange}
      // What is found was found by the server: also by a number in another form.
      filter={({ options }) => options}
      onSearchChange={(typed) => !rows.some((lead) => typed === labelOf(lead)) && setWords(typed)}
      searchable
      clearable
      nothingFoundMessage={found.data && nobody}
    />
  );
}
