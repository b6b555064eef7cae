// The bar above the table and the board: what is searched for, and what leads must meet.

import { Box, Button, Group, Popover, Select, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAdjustments, IconAdjustmentsHorizontal, IconFilterOff } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { usePeople } from "@/lib/people";
import { useSession } from "@/lib/session";
import { SearchInput } from "@/ui/SearchInput";
import type { LeadView } from "./filters";
import classes from "./LeadFilters.module.css";
import { OwnInput } from "./own";
import { useOwnFields, type OwnField, type Value } from "./useOwn";

const CONSENTS = ["express", "written", "none", "withdrawn"];

export function LeadFilters({ view, withStatus }: { view: LeadView; withStatus: boolean }) {
  const t = useT("leads");
  const { filters, set } = view;
  const statuses = api.useQuery("get", "/api/lead-statuses");
  const lists = api.useQuery("get", "/api/lead-lists", { params: { query: {} } });
  const tags = api.useQuery("get", "/api/lead-tags");
  const { me } = useSession();
  const people = usePeople();
  const own = useOwnFields();
  // On a phone there is room for people only while the filters are away.
  const [more, { toggle }] = useDisclosure(Object.keys(view.conditions).some((name) => name !== "search"));
  return (
    <Group gap="xs" mb="sm" role="search" className={classes.bar}>
      <div className={classes.search}>
        <SearchInput label={t("filter.search")} hint={t("filter.search_hint")} value={filters.q} onChange={(q) => set({ q })} />
      </div>
      <Button
        hiddenFrom="sm" variant="default" aria-expanded={more} leftSection={<IconAdjustmentsHorizontal size={16} aria-hidden />}
        onClick={toggle}
      >
        {t("filter.more")}
      </Button>
      <Box display="contents" visibleFrom={more ? undefined : "sm"}>
        {withStatus && (
          <Select
            className={classes.choice}
            aria-label={t("filter.status")}
            placeholder={t("filter.status")}
            data={(statuses.data ?? []).map((status) => ({ value: status.id, label: status.name }))}
            value={filters.status || null}
            onChange={(status) => set({ status: status ?? "" })}
            clearable
          />
        )}
        <Select
          className={classes.choice}
          aria-label={t("filter.list")}
          placeholder={t("filter.list")}
          data={(lists.data ?? []).map((list) => ({ value: list.id, label: list.name }))}
          value={filters.list || null}
          onChange={(list) => set({ list: list ?? "" })}
          searchable
          clearable
          nothingFoundMessage={t("filter.none")}
        />
        {(tags.data?.tags.length ?? 0) > 0 && (
          <Select
            className={classes.choice}
            aria-label={t("filter.tag")}
            placeholder={t("filter.tag")}
            data={tags.data?.tags ?? []}
            value={filters.tag || null}
            onChange={(tag) => set({ tag: tag ?? "" })}
            searchable
            clearable
          />
        )}
        <Select
          className={classes.choice}
          aria-label={t("filter.consent")}
          placeholder={t("filter.consent")}
          data={CONSENTS.map((consent) => ({ value: consent, label: t(`consent.${consent}`) }))}
          value={filters.consent || null}
          onChange={(consent) => set({ consent: consent ?? "" })}
          clearable
        />
        <Select
          className={classes.choice}
          aria-label={t("filter.owner")}
          placeholder={t("filter.owner")}
          data={[
            { value: me.user_id, label: t("owner.mine") },
            { value: "nobody", label: t("owner.nobody") },
            ...people.filter((person) => person.value !== me.user_id),
          ]}
          value={filters.owner || null}
          onChange={(owner) => set({ owner: owner ?? "" })}
          searchable
          clearable
        />
        {own.length > 0 && <OwnFilter fields={own} value={filters.field} set={(field) => set({ field })} />}
      </Box>
      {view.narrowed && (
        <Button variant="subtle" size="compact-sm" leftSection={<IconFilterOff size={16} />} onClick={view.clear}>
          {t("filter.clear")}
        </Button>
      )}
    </Group>
  );
}

/** What is to stand in one field of the business's own: `key=value` in the address. */
function OwnFilter({ fields, value, set }: { fields: OwnField[]; value: string; set: (value: string) => void }) {
  const t = useT("leads");
  const [opened, { toggle, close }] = useDisclosure();
  const [key, setKey] = useState(value.split("=", 1)[0] || (fields[0]?.key ?? ""));
  const [wanted, setWanted] = useState<Value>(null);
  const at = value.indexOf("=");
  const chosen = fields.find((field) => field.key === value.slice(0, Math.max(at, 0)));
  const field = fields.find((one) => one.key === key) ?? fields[0];
  if (!field) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wanted === null) return;
    set(`${field.key}=${typeof wanted === "boolean" ? (wanted ? "yes" : "no") : String(wanted)}`);
    close();
  };
  return (
    <Popover opened={opened} onChange={(open) => !open && close()} shadow="md" trapFocus>
      <Popover.Target>
        <Button variant={chosen ? "light" : "default"} size="sm" leftSection={<IconAdjustments size={16} />} onClick={toggle} aria-expanded={opened}>
          {chosen ? <bdi>{`${chosen.label}: ${value.slice(at + 1)}`}</bdi> : t("filter.field")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form onSubmit={submit}>
          <Stack gap="xs" w="14rem">
            <Select
              size="xs"
              label={t("filter.field")}
              data={fields.map((one) => ({ value: one.key, label: one.label }))}
              value={field.key}
              onChange={(next) => {
                setKey(next ?? "");
                setWanted(null);
              }}
              comboboxProps={{ withinPortal: false }}
              allowDeselect={false}
            />
            <OwnInput inPopover size="xs" field={field} label={t("filter.value")} value={wanted} onChange={setWanted} />
            <Group gap="xs">
              <Button type="submit" size="compact-sm" disabled={wanted === null}>
                {t("filter.apply")}
              </Button>
              {chosen && (
                <Button
                  variant="default"
                  size="compact-sm"
                  onClick={() => {
                    set("");
                    close();
                  }}
                >
                  {t("filter.remove")}
                </Button>
              )}
            </Group>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
