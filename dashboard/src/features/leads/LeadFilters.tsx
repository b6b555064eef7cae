// The bar above the table and the board: what is searched for, and what leads must meet.

import { Button, Group, Select } from "@mantine/core";
import { IconFilterOff } from "@tabler/icons-react";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { SearchInput } from "@/ui/SearchInput";
import type { LeadView } from "./filters";
import classes from "./LeadFilters.module.css";

const CONSENTS = ["express", "written", "none", "withdrawn"];

export function LeadFilters({ view, withStatus }: { view: LeadView; withStatus: boolean }) {
  const t = useT("leads");
  const { filters, set } = view;
  const statuses = api.useQuery("get", "/api/lead-statuses");
  const lists = api.useQuery("get", "/api/lead-lists", { params: { query: {} } });
  const tags = api.useQuery("get", "/api/lead-tags");
  return (
    <Group gap="xs" mb="sm" role="search" className={classes.bar}>
      <div className={classes.search}>
        <SearchInput label={t("filter.search")} hint={t("filter.search_hint")} value={filters.q} onChange={(q) => set({ q })} />
      </div>
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
      {view.narrowed && (
        <Button variant="subtle" size="compact-sm" leftSection={<IconFilterOff size={16} />} onClick={view.clear}>
          {t("filter.clear")}
        </Button>
      )}
    </Group>
  );
}
