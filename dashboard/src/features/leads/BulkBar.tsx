// The line above the table: how many there are, or, once some are chosen, what can be done with them.

import { Button, CloseButton, Group, Menu, Popover, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconForms, IconList, IconStatusChange, IconTag, IconTrash, IconUserCheck } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactNode } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { usePeople } from "@/lib/people";
import { useAct } from "@/ui/act";
import { useConfirm } from "@/ui/confirm";
import { filterOf, type LeadView } from "./filters";
import type { Chosen } from "./LeadsPage";
import { OwnInput } from "./own";
import { useOwnFields, type Value } from "./useOwn";
import { LeadStatusBadge } from "./words";

type Changes = Partial<Schema<"LeadChanges">>;

export interface BulkBarProps {
  view: LeadView;
  chosen: Chosen;
  choose: (who: Chosen) => void;
  total: number | null;
  /** What stands there while nobody is chosen. */
  children: ReactNode;
  end: ReactNode;
}

export function BulkBar({ view, chosen, choose, total, children, end }: BulkBarProps) {
  const t = useT("leads");
  const numbers = useNumbers();
  const act = useAct();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const count = chosen.everybody ? (total ?? 0) : chosen.ids.size;
  if (!chosen.everybody && chosen.ids.size === 0) {
    return (
      <Group justify="space-between" mih="2.25rem">
        {children}
        {end}
      </Group>
    );
  }
  const whom = () => (chosen.everybody ? { filter: filterOf(view) as Schema<"LeadFilter"> } : { lead_ids: [...chosen.ids] });
  const begin = async (deed: () => Promise<unknown>) => {
    if (!(await act(deed, t("bulk.begun")))) return;
    choose({ ids: new Set(), everybody: false });
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/bulk-runs"] });
  };
  const change = (changes: Changes) =>
    begin(() => client.POST("/api/leads/bulk-update", { body: { ...whom(), changes: changes as Schema<"LeadChanges"> } }));
  const remove = async () => {
    const n = numbers.whole(count);
    if (!(await confirm({ title: t("bulk.delete_title", { count, n }), body: t("bulk.delete_body"), confirm: t("bulk.delete") }))) {
      return;
    }
    await begin(() => client.POST("/api/leads/bulk-delete", { body: whom() }));
  };
  return (
    <Group gap="xs" mih="2.25rem" role="toolbar" aria-label={t("bulk.label")}>
      <CloseButton size="sm" aria-label={t("bulk.none")} onClick={() => choose({ ids: new Set(), everybody: false })} />
      <Text size="sm" fw={600} role="status">
        {t("bulk.chosen", { count, n: numbers.whole(count) })}
      </Text>
      {!chosen.everybody && total !== null && total > chosen.ids.size && (
        <Button variant="subtle" size="compact-sm" onClick={() => choose({ ids: new Set(), everybody: true })}>
          {t("bulk.all", { count: total, n: numbers.whole(total) })}
        </Button>
      )}
      <StatusChoice change={change} />
      <TagChoice change={change} />
      <ListChoice change={change} />
      <OwnerChoice change={change} />
      <FieldChoice change={change} />
      <Button variant="default" size="xs" color="red" leftSection={<IconTrash size={14} />} onClick={() => void remove()}>
        {t("bulk.delete")}
      </Button>
    </Group>
  );
}

function StatusChoice({ change }: { change: (changes: Changes) => Promise<void> }) {
  const t = useT("leads");
  const statuses = api.useQuery("get", "/api/lead-statuses");
  return (
    <Menu shadow="md">
      <Menu.Target>
        <Button variant="default" size="xs" leftSection={<IconStatusChange size={14} />}>
          {t("bulk.status")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {(statuses.data ?? []).map((status) => (
          <Menu.Item key={status.id} onClick={() => void change({ status_id: status.id })}>
            <LeadStatusBadge status={status} />
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function TagChoice({ change }: { change: (changes: Changes) => Promise<void> }) {
  const t = useT("leads");
  const [opened, { toggle, close }] = useDisclosure();
  const [tag, setTag] = useState("");
  const give = (changes: Changes) => {
    close();
    setTag("");
    void change(changes);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (tag.trim()) give({ add_tag: tag.trim() });
  };
  return (
    <Popover opened={opened} onChange={close} shadow="md" trapFocus>
      <Popover.Target>
        <Button variant="default" size="xs" leftSection={<IconTag size={14} />} onClick={toggle} aria-expanded={opened}>
          {t("bulk.tag")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form onSubmit={submit}>
          <Stack gap="xs">
            <TextInput
              size="xs"
              label={t("field.tag")}
              maxLength={50}
              value={tag}
              onChange={(event) => setTag(event.currentTarget.value)}
            />
            <Group gap="xs">
              <Button type="submit" size="compact-sm" disabled={!tag.trim()}>
                {t("bulk.tag_add")}
              </Button>
              <Button
                variant="default"
                size="compact-sm"
                disabled={!tag.trim()}
                onClick={() => give({ remove_tag: tag.trim() })}
              >
                {t("bulk.tag_remove")}
              </Button>
            </Group>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

function ListChoice({ change }: { change: (changes: Changes) => Promise<void> }) {
  const t = useT("leads");
  const lists = api.useQuery("get", "/api/lead-lists", { params: { query: {} } });
  if (!lists.data?.length) return null;
  return (
    <Menu shadow="md">
      <Menu.Target>
        <Button variant="default" size="xs" leftSection={<IconList size={14} />}>
          {t("bulk.list")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah="20rem" style={{ overflowY: "auto" }}>
        {lists.data.map((list) => (
          <Menu.Item key={list.id} onClick={() => void change({ add_to_list: list.id })}>
            <bdi>{list.name}</bdi>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function OwnerChoice({ change }: { change: (changes: Changes) => Promise<void> }) {
  const t = useT("leads");
  const people = usePeople();
  return (
    <Menu shadow="md">
      <Menu.Target>
        <Button variant="default" size="xs" leftSection={<IconUserCheck size={14} />}>
          {t("bulk.owner")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah="20rem" style={{ overflowY: "auto" }}>
        {people.map((person) => (
          <Menu.Item key={person.value} onClick={() => void change({ owner_id: person.value })}>
            <bdi>{person.label}</bdi>
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void change({ owner_id: null })}>{t("owner.nobody")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function FieldChoice({ change }: { change: (changes: Changes) => Promise<void> }) {
  const t = useT("leads");
  const fields = useOwnFields();
  const [opened, { toggle, close }] = useDisclosure();
  const [key, setKey] = useState<string | null>(null);
  const [value, setValue] = useState<Value>(null);
  const field = fields.find((one) => one.key === key) ?? fields[0];
  if (!field) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    close();
    void change({ own_fields: { [field.key]: value } });
  };
  return (
    <Popover opened={opened} onChange={(open) => !open && close()} shadow="md" trapFocus>
      <Popover.Target>
        <Button variant="default" size="xs" leftSection={<IconForms size={14} />} onClick={toggle} aria-expanded={opened}>
          {t("bulk.field")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form onSubmit={submit}>
          <Stack gap="xs" w="14rem">
            <Select
              size="xs"
              label={t("bulk.field")}
              data={fields.map((one) => ({ value: one.key, label: one.label }))}
              value={field.key}
              onChange={(next) => {
                setKey(next);
                setValue(null);
              }}
              comboboxProps={{ withinPortal: false }}
              allowDeselect={false}
            />
            <OwnInput inPopover size="xs" field={field} label={t("bulk.value")} value={value} onChange={setValue} />
            <Button type="submit" size="compact-sm" variant={value === null ? "default" : "filled"}>
              {t(value === null ? "bulk.field_empty" : "bulk.field_set")}
            </Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
