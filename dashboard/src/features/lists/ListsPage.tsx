import { Button, Stack, Text } from "@mantine/core";
import { IconDownload, IconFileUpload, IconListDetails } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useFilters } from "@/lib/address";
import { api, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ButtonLink, TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Pager, usePages } from "@/ui/Pager";
import { Panel } from "@/ui/Panel";
import { SearchInput } from "@/ui/SearchInput";
import { ImportActs, ImportBar, ImportState, isOpen } from "./ImportProgress";

const A_PAGE = 20;
const IMPORTS_SHOWN = 20;

export default function ListsPage() {
  const t = useT("lists");
  const { may } = useSession();
  const [{ q }, setFilters] = useFilters({ q: "" });
  const pages = usePages(q);
  const lists = api.useQuery(
    "get",
    "/api/lead-lists",
    { params: { query: { limit: A_PAGE, after: pages.cursor, ...(q && { search: q }) } } },
    { placeholderData: keepPreviousData },
  );
  const imports = api.useQuery("get", "/api/lead-imports", { params: { query: { limit: IMPORTS_SHOWN } } });
  const bring = may("agent") && (
    <ButtonLink to="/lists/import" leftSection={<IconFileUpload size={16} />}>
      {t("import")}
    </ButtonLink>
  );
  return (
    <>
      <PageHeader title={t("title")} about={t("about")}>
        {bring}
      </PageHeader>
      <Answer of={lists}>
        {(rows) =>
          rows.length === 0 && !q && pages.page === 1 ? (
            <EmptyState icon={IconListDetails} title={t("none.title")} body={t("none.body")}>
              {bring}
            </EmptyState>
          ) : (
            <Stack>
              <SearchInput label={t("search")} value={q} onChange={(words) => setFilters({ q: words })} />
              {rows.length === 0 ? <Text c="dimmed">{t("none.such")}</Text> : <Lists rows={rows} />}
              <Pager pages={pages} following={rows.length === A_PAGE ? rows.at(-1)?.id : null} busy={lists.isPlaceholderData} />
            </Stack>
          )
        }
      </Answer>
      <Answer of={imports}>{(rows) => (rows.length > 0 ? <Imports rows={rows} /> : null)}</Answer>
    </>
  );
}

function Lists({ rows }: { rows: Schema<"LeadListOut">[] }) {
  const t = useT("lists");
  const numbers = useNumbers();
  const { may } = useSession();
  return (
    <DataTable
      label={t("title")}
      rows={rows}
      keyOf={(row) => row.id}
      columns={[
        { id: "name", header: t("name"), cell: (row) => <TextLink to="/leads" search={{ list: row.id }}><bdi>{row.name}</bdi></TextLink> },
        { id: "leads", header: t("people"), end: true, cell: (row) => numbers.whole(row.leads) },
        { id: "made", header: t("made"), whole: true, cell: (row) => <Moment at={row.created_at} /> },
        {
          id: "call",
          header: "",
          end: true,
          cell: (row) =>
            may("agent") && row.leads > 0 ? (
              <TextLink to="/runs/new" search={{ list: row.id }} aria-label={t("call_named", { name: row.name })}>
                {t("call")}
              </TextLink>
            ) : null,
        },
      ]}
    />
  );
}

function Imports({ rows }: { rows: Schema<"LeadImportOut">[] }) {
  const t = useT("lists");
  const numbers = useNumbers();
  const open = rows.filter(isOpen);
  return (
    <Stack mt="lg">
      {open.map((one) => (
        <Panel key={one.id} title={one.name} actions={<ImportActs of={one} />}>
          <ImportBar of={one} />
        </Panel>
      ))}
      <Panel title={t("imports")}>
        <DataTable
          label={t("imports")}
          rows={rows}
          keyOf={(row) => row.id}
          to={(row) => `/lists/imports/${row.id}`}
          columns={[
            { id: "name", header: t("name"), cell: (row) => <TextLink to={`/lists/imports/${row.id}`}><bdi>{row.name}</bdi></TextLink> },
            { id: "file", header: t("file"), wide: true, cell: (row) => <bdi>{row.filename}</bdi> },
            { id: "state", header: t("state_of"), cell: (row) => <ImportState state={row.state} /> },
            { id: "imported", header: t("count.imported"), end: true, cell: (row) => numbers.whole(row.imported) },
            { id: "faults", header: t("count.faults"), end: true, cell: (row) => <Faults of={row} /> },
            { id: "at", header: t("began"), whole: true, wide: true, cell: (row) => <Moment at={row.created_at} /> },
          ]}
        />
      </Panel>
    </Stack>
  );
}

function Faults({ of }: { of: Schema<"LeadImportOut"> }) {
  const t = useT("lists");
  const numbers = useNumbers();
  if (of.faults === 0) return <>{numbers.whole(0)}</>;
  return (
    <Button
      component="a"
      href={`/api/lead-imports/${of.id}/faults.csv`}
      download
      size="compact-xs"
      variant="subtle"
      leftSection={<IconDownload size={14} />}
      aria-label={`${numbers.whole(of.faults)}: ${t("faults.download_named", { name: of.name })}`}
    >
      {numbers.whole(of.faults)}
    </Button>
  );
}
