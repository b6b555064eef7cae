import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconDownload, IconPhoneOutgoing } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { usePath } from "@/lib/address";
import { api, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useTime } from "@/lib/time";
import { Answer } from "@/ui/Answer";
import { DataTable } from "@/ui/DataTable";
import { ButtonLink } from "@/ui/LinkTo";
import { PageHeader } from "@/ui/PageHeader";
import { Pager, usePages } from "@/ui/Pager";
import { Panel } from "@/ui/Panel";
import { useFault } from "./fault";
import { ImportActs, ImportBar, ImportCounts, ImportState, isOpen } from "./ImportProgress";

const A_PAGE = 50;

export default function OneImportPage() {
  const importId = usePath("importId");
  const found = api.useQuery("get", "/api/lead-imports/{import_id}", { params: { path: { import_id: importId } } });
  return <Answer of={found}>{(data) => <OneImport of={data} />}</Answer>;
}

function OneImport({ of }: { of: Schema<"LeadImportOut"> }) {
  const t = useT("lists");
  const time = useTime();
  const { may } = useSession();
  const isDone = of.state === "completed";
  return (
    <>
      <PageHeader
        title={of.name}
        heading={<bdi>{of.name}</bdi>}
        about={<bdi>{of.filename}</bdi>}
        back={{ to: "/lists", label: t("title") }}
        badge={<ImportState state={of.state} />}
      >
        <ImportActs of={of} />
        {isDone && of.imported > 0 && may("agent") && (
          <ButtonLink to="/runs/new" search={{ list: of.list_id }} leftSection={<IconPhoneOutgoing size={16} />}>
            {t("call_them")}
          </ButtonLink>
        )}
      </PageHeader>
      <Stack>
        <Panel>
          <Stack gap="sm">
            <ImportBar of={of} />
            <ImportCounts of={of} />
            {of.said_of_all?.consent_at && (
              <Text size="sm">
                {t("said_of_all", {
                  consent: t(`consent.${of.said_of_all.consent}`),
                  source: of.said_of_all.consent_source ?? "",
                  day: time.day(of.said_of_all.consent_at),
                })}
              </Text>
            )}
            {isOpen(of) && (
              <Text size="sm" c="dimmed">
                {t("goes_on")}
              </Text>
            )}
            {of.error && (
              <Alert color="red" role="alert">
                <bdi lang="en">{of.error}</bdi>
              </Alert>
            )}
          </Stack>
        </Panel>
        {of.faults > 0 && <Faults of={of} />}
      </Stack>
    </>
  );
}

function Faults({ of }: { of: Schema<"LeadImportOut"> }) {
  const t = useT("lists");
  const faultOf = useFault();
  const numbers = useNumbers();
  const pages = usePages(of.id);
  const faults = api.useQuery(
    "get",
    "/api/lead-imports/{import_id}/faults",
    { params: { path: { import_id: of.id }, query: { limit: A_PAGE, cursor: pages.cursor } } },
    { placeholderData: keepPreviousData },
  );
  return (
    <Panel
      title={t("faults.title", { count: of.faults })}
      about={t("faults.about")}
      actions={
        <Button component="a" href={`/api/lead-imports/${of.id}/faults.csv`} download variant="default" leftSection={<IconDownload size={16} />}>
          {t("faults.download")}
        </Button>
      }
    >
      <Answer of={faults}>
        {({ faults: rows, next_cursor: following }) => (
          <>
            <DataTable
              label={t("faults.label")}
              rows={rows}
              keyOf={(row) => String(row.line)}
              columns={[
                { id: "line", header: t("line"), end: true, cell: (row) => numbers.whole(row.line) },
                { id: "reason", header: t("reason"), cell: (row) => <bdi>{faultOf(row)}</bdi> },
                { id: "row", header: t("row"), cell: (row) => <bdi>{row.row}</bdi> },
              ]}
            />
            <Pager pages={pages} following={following} busy={faults.isPlaceholderData} />
          </>
        )}
      </Answer>
    </Panel>
  );
}
