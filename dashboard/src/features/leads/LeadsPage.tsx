import { Select, Stack, Text } from "@mantine/core";
import { IconUsers } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { useFilters } from "@/lib/address";
import { api } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { DataTable, type Column } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { Pager, usePages } from "@/ui/Pager";
import { BulkBar } from "./BulkBar";
import { BulkRuns } from "./BulkRuns";
import { NEWEST, useLeadFilters } from "./filters";
import { LeadFilters } from "./LeadFilters";
import { LeadsHeader } from "./LeadsHeader";
import { Owner, OwnValue } from "./own";
import { StatusMenu } from "./StatusMenu";
import { useOwnFields, type OwnField, type Value } from "./useOwn";
import { ConsentBadge, nameOf, Phone, Tags, type Lead, type LeadStatus } from "./words";


/** Who is chosen: some of those that were seen, or all that meet the filters. */
export interface Chosen {
  ids: ReadonlySet<string>;
  everybody: boolean;
}

const NOBODY: Chosen = { ids: new Set(), everybody: false };

export default function LeadsPage() {
  const t = useT("leads");
  const numbers = useNumbers();
  const { may } = useSession();
  const view = useLeadFilters();
  const [{ order }, setOrder] = useFilters({ order: "newest" });
  const pages = usePages(view.key + order);
  const [chosen, setChosen] = useState<{ of: string; who: Chosen }>({ of: view.key, who: NOBODY });
  // Other filters, other people: nobody stays chosen whom one no longer sees.
  const who = chosen.of === view.key ? chosen.who : NOBODY;
  const choose = (next: Chosen) => setChosen({ of: view.key, who: next });

  const statuses = api.useQuery("get", "/api/lead-statuses");
  const found = api.useQuery(
    "get",
    "/api/leads",
    {
      params: {
        query: { ...NEWEST, ...view.conditions, order: order === "name" ? "name" : "newest", cursor: pages.cursor },
      },
    },
    { placeholderData: keepPreviousData },
  );
  const count = api.useQuery("get", "/api/leads/count", { params: { query: view.conditions } }, { placeholderData: keepPreviousData });
  const own = useOwnFields();
  const columns = columnsOf(t, statuses.data ?? [], own);

  return (
    <>
      <LeadsHeader look="table" view={view} />
      <LeadFilters view={view} withStatus />
      <BulkRuns />
      <Answer of={found}>
        {({ leads, next_cursor: following }) =>
          leads.length === 0 && pages.page === 1 ? (
            <EmptyState
              icon={IconUsers}
              title={t(view.narrowed ? "nobody.title" : "empty.title")}
              body={t(view.narrowed ? "nobody.body" : "empty.body")}
            />
          ) : (
            <Stack gap="xs">
              <BulkBar
                view={view}
                chosen={who}
                choose={choose}
                total={count.data?.count ?? null}
                end={
                  <Select
                    size="xs"
                    w="10rem"
                    aria-label={t("order.label")}
                    data={[
                      { value: "newest", label: t("order.newest") },
                      { value: "name", label: t("order.name") },
                    ]}
                    value={order}
                    onChange={(value) => setOrder({ order: value ?? "newest" })}
                    allowDeselect={false}
                  />
                }
              >
                <Text size="sm" c="dimmed" role="status">
                  {count.data && t("count", { count: count.data.count, n: numbers.whole(count.data.count) })}
                </Text>
              </BulkBar>
              <DataTable
                label={t("title")}
                columns={columns}
                rows={leads}
                keyOf={(lead) => lead.id}
                nameOf={nameOf}
                to={(lead) => `/leads/${lead.id}`}
                selection={
                  may("admin")
                    ? {
                        chosen: who.everybody ? new Set(leads.map((lead) => lead.id)) : who.ids,
                        onChange: (ids) => choose({ ids, everybody: false }),
                      }
                    : undefined
                }
              />
              <Pager pages={pages} following={following} busy={found.isPlaceholderData} />
            </Stack>
          )
        }
      </Answer>
    </>
  );
}

function columnsOf(t: (key: string) => string, statuses: LeadStatus[], own: OwnField[]): Column<Lead>[] {
  return [
    {
      id: "name",
      header: t("field.name"),
      cell: (lead) => (
        <TextLink to={`/leads/${lead.id}`} size="sm" fw={500} display="block" miw="9rem">
          <bdi>{nameOf(lead)}</bdi>
        </TextLink>
      ),
    },
    { id: "phone", header: t("field.phone"), cell: (lead) => <Phone>{lead.phone}</Phone>, whole: true },
    { id: "status", header: t("field.status"), cell: (lead) => <StatusMenu lead={lead} statuses={statuses} />, whole: true },
    { id: "tags", header: t("field.tags"), cell: (lead) => <Tags tags={lead.tags} />, wide: true },
    { id: "owner", header: t("field.owner_id"), cell: (lead) => <Owner id={lead.owner_id} />, wide: true },
    ...own
      .filter((field) => field.in_table)
      .map((field) => ({
        id: field.key,
        header: <bdi>{field.label}</bdi>,
        cell: (lead: Lead) => <OwnValue field={field} value={lead.fields[field.key] as Value} />,
        wide: true,
        // Words may take several lines; a day or a figure is read at a glance.
        whole: field.kind !== "text",
      })),
    { id: "consent", header: t("field.consent"), cell: (lead) => <ConsentBadge consent={lead.consent} />, wide: true, whole: true },
    { id: "created", header: t("field.created"), cell: (lead) => <Moment at={lead.created_at} />, wide: true, whole: true },
  ];
}
