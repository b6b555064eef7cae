// Two leads that are one person: what each has, what is to stand where both have something, and the merge.

import { Alert, Button, Group, Modal, Radio, Select, Stack, Table, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconUsers } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { isolated } from "@/lib/phones";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { TextLink } from "@/ui/LinkTo";
import { Owner, OwnValue } from "./own";
import { OWN, useOwnFields, useOwnNames, type Value } from "./useOwn";
import { ConsentBadge, LeadStatusBadge, nameOf, Phone, Tags } from "./words";

type Preview = Schema<"MergePreviewOut">;
type Side = Schema<"SideOut">;

const FOUND = 8;
const REST_MS = 250;
/** Tables that people know by name; what else there is counts as other records. */
const COUNTED = [
  "calls", "appointments", "lead_notes", "lead_list_entries", "outbound_items", "lead_addresses", "tasks", "messages", "documents",
];

interface MergeProps {
  lead: Schema<"LeadDetail">;
  /** Whom to take in; empty: not chosen yet. */
  other: string;
  choose: (other: string) => void;
  opened: boolean;
  close: () => void;
}

export function MergeLead({ lead, other, choose, opened, close }: MergeProps) {
  const t = useT("leads");
  return (
    <Modal opened={opened} onClose={close} size="lg" title={t("merge.title")} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <Text size="sm">{t("merge.about", { name: nameOf(lead) })}</Text>
        <OtherLead lead={lead} value={other} onChange={choose} />
        {other && other !== lead.id && <Shown key={other} lead={lead} other={other} close={close} />}
      </Stack>
    </Modal>
  );
}

function OtherLead({ lead, value, onChange }: { lead: Schema<"LeadDetail">; value: string; onChange: (id: string) => void }) {
  const t = useT("leads");
  const [words, setWords] = useState("");
  const [rested] = useDebouncedValue(words.trim(), REST_MS);
  const search = rested || undefined;
  const found = api.useQuery("get", "/api/leads", { params: { query: { search, limit: FOUND } } }, { placeholderData: keepPreviousData });
  const known = api.useQuery("get", "/api/leads/{lead_id}", { params: { path: { lead_id: value } } }, { enabled: value !== "" });
  const rows = (found.data?.leads ?? []).filter((row) => row.id !== lead.id);
  if (known.data && !rows.some((row) => row.id === known.data.id)) rows.unshift(known.data);
  const labelOf = (row: { name: string; phone: string }) => (row.name ? `${row.name} · ${isolated(row.phone)}` : isolated(row.phone));
  return (
    <Select
      label={t("merge.other")}
      placeholder={t("merge.other_hint")}
      data={rows.map((row) => ({ value: row.id, label: labelOf(row) }))}
      value={value || null}
      onChange={(id) => onChange(id ?? "")}
      filter={({ options }) => options}
      onSearchChange={(typed) => !rows.some((row) => typed === labelOf(row)) && setWords(typed)}
      nothingFoundMessage={t("filter.none")}
      searchable
      clearable
      // Opens when it is come to; whom to take in may be known already.
      data-autofocus={value === "" || undefined}
    />
  );
}

function Shown({ lead, other, close }: { lead: Schema<"LeadDetail">; other: string; close: () => void }) {
  const path = { lead_id: lead.id, other_id: other };
  const preview = api.useQuery("get", "/api/leads/{lead_id}/merge/{other_id}", { params: { path } });
  return <Answer of={preview}>{(data) => <Choices preview={data} close={close} />}</Answer>;
}

function Choices({ preview, close }: { preview: Preview; close: () => void }) {
  const t = useT("leads");
  const numbers = useNumbers();
  const act = useAct();
  const own = useOwnNames();
  const [taken, setTaken] = useState<ReadonlySet<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const { kept, gone, differing, counts } = preview;
  const take = (name: string, theirs: boolean) => {
    const next = new Set(taken);
    if (theirs) next.add(name);
    else next.delete(name);
    setTaken(next);
  };
  const merge = async () => {
    setBusy(true);
    const body: Schema<"MergeIn"> = {
      other_id: gone.id,
      version: kept.version,
      other_version: gone.version,
      take: differing.filter((name) => taken.has(name)),
    };
    const done = await act(
      () => client.POST("/api/leads/{lead_id}/merge", { params: { path: { lead_id: kept.id } }, body }),
      t("merge.done"),
    );
    setBusy(false);
    if (done) close();
  };
  return (
    <Stack>
      {preview.busy && (
        <Alert color="yellow" role="alert">
          {t("merge.busy")}
        </Alert>
      )}
      {differing.length > 0 ? (
        <div>
          <Text size="sm" fw={600} mb="xs">
            {t("merge.choose")}
          </Text>
          <Stack gap="sm">
            {differing.map((name) => (
              <Radio.Group
                key={name}
                label={<bdi>{own(name) ?? t(`field.${name}`)}</bdi>}
                value={taken.has(name) ? "gone" : "kept"}
                onChange={(side) => take(name, side === "gone")}
              >
                <Group gap="lg" mt={4} align="flex-start">
                  <Radio value="kept" label={<Said side={kept} name={name} />} />
                  <Radio value="gone" label={<Said side={gone} name={name} />} />
                </Group>
              </Radio.Group>
            ))}
          </Stack>
        </div>
      ) : (
        <Text size="sm">{t("merge.nothing_to_choose")}</Text>
      )}
      <Group gap="lg">
        {preview.tags.length > 0 && <Tags tags={preview.tags} />}
        <Group gap={6}>
          <Text size="sm">{t("field.consent")}:</Text>
          <ConsentBadge consent={preview.consent} />
        </Group>
      </Group>
      {counts.length > 0 && (
        <Table withRowBorders={false} verticalSpacing={4} aria-label={t("merge.counts")}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("merge.counts")}</Table.Th>
              <Table.Th>{t("merge.here")}</Table.Th>
              <Table.Th>{t("merge.there")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {summed(counts).map((row) => (
              <Table.Tr key={row.table}>
                <Table.Td>{t(`merge.table.${row.table}`)}</Table.Td>
                <Table.Td className="numbers">{numbers.whole(row.kept)}</Table.Td>
                <Table.Td className="numbers">{numbers.whole(row.gone)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Text size="sm" c="dimmed">
        {t("merge.cannot_be_undone")}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>
          {t("cancel")}
        </Button>
        <Button loading={busy} disabled={preview.busy !== null} onClick={() => void merge()}>
          {t("merge.button")}
        </Button>
      </Group>
    </Stack>
  );
}

function summed(counts: Preview["counts"]): Preview["counts"] {
  const rows = counts.filter((row) => COUNTED.includes(row.table));
  const others = counts.filter((row) => !COUNTED.includes(row.table));
  if (others.length === 0) return rows;
  const sum = (side: "kept" | "gone") => others.reduce((all, row) => all + row[side], 0);
  return [...rows, { table: "other", kept: sum("kept"), gone: sum("gone") }];
}

function Said({ side, name }: { side: Side; name: string }) {
  const t = useT("leads");
  const fields = useOwnFields();
  const statuses = api.useQuery("get", "/api/lead-statuses");
  if (name.startsWith(OWN)) {
    const key = name.slice(OWN.length);
    const field = fields.find((one) => one.key === key);
    const value = side.fields[key] as Value;
    return field ? <OwnValue field={field} value={value} /> : <bdi>{String(value)}</bdi>;
  }
  switch (name) {
    case "phone":
      return <Phone>{side.phone}</Phone>;
    case "status_id": {
      const status = statuses.data?.find((one) => one.id === side.status_id);
      return status ? <LeadStatusBadge status={status} /> : <>{t("field.status")}</>;
    }
    case "owner_id":
      return <Owner id={side.owner_id} />;
    case "email":
      return <bdi dir="ltr">{side.email}</bdi>;
    default:
      return <bdi>{name === "notes" ? side.notes : side.name}</bdi>;
  }
}

/** Who may be the same person, with the way to merge them. */
export function Duplicates({ lead, merge }: { lead: Schema<"LeadDetail">; merge: (other: string) => void }) {
  const t = useT("leads");
  const found = api.useQuery("get", "/api/leads/{lead_id}/duplicates", { params: { path: { lead_id: lead.id } } });
  if (!found.data?.leads.length) return null;
  return (
    <Alert color="blue" mb="md" icon={<IconUsers size={20} />} title={t("duplicates.title")}>
      <Stack gap="xs">
        {found.data.leads.map((other) => (
          <Group key={other.id} justify="space-between" gap="xs">
            <Text size="sm">
              <TextLink to={`/leads/${other.id}`} underline="always">
                <bdi>{nameOf(other)}</bdi>
              </TextLink>{" "}
              <Phone>{other.phone}</Phone> {other.email && <bdi dir="ltr">{other.email}</bdi>}
            </Text>
            <Button size="compact-sm" variant="default" onClick={() => merge(other.id)} aria-label={t("duplicates.merge_named", { name: nameOf(other) })}>
              {t("duplicates.merge")}
            </Button>
          </Group>
        ))}
      </Stack>
    </Alert>
  );
}
