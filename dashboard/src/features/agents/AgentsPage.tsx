import { Group, SegmentedControl, Stack, Text, Tooltip } from "@mantine/core";
import { IconAlertTriangle, IconHeadset } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useBrainName, useLanguageName, useWarningWords } from "@/features/agents/words";
import { useFilters } from "@/lib/address";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ButtonLink, TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { StatusBadge } from "@/ui/StatusBadge";

type Row = Schema<"AgentRow">;

export default function AgentsPage() {
  const t = useT("agents");
  const { may } = useSession();
  const [filters, setFilters] = useFilters({ show: "active" });
  const archived = filters.show === "archived";
  const agents = api.useQuery(
    "get",
    "/api/agents",
    { params: { query: { archived } } },
    { placeholderData: keepPreviousData },
  );
  return (
    <>
      <PageHeader title={t("title")} about={t("about")}>
        <SegmentedControl
          size="xs"
          aria-label={t("show.label")}
          value={filters.show}
          onChange={(show) => setFilters({ show })}
          data={[
            { value: "active", label: t("show.active") },
            { value: "archived", label: t("show.archived") },
          ]}
        />
        {may("admin") && <ButtonLink to="/agents/new">{t("new.button")}</ButtonLink>}
      </PageHeader>
      <Answer of={agents}>
        {(rows) =>
          rows.length > 0 ? (
            <AgentTable rows={rows} />
          ) : archived ? (
            <EmptyState icon={IconHeadset} title={t("none_archived.title")} body={t("none_archived.body")} />
          ) : (
            <EmptyState icon={IconHeadset} title={t("none.title")} body={t("none.body")}>
              {may("admin") && <ButtonLink to="/agents/new">{t("new.button")}</ButtonLink>}
            </EmptyState>
          )
        }
      </Answer>
    </>
  );
}

function AgentTable({ rows }: { rows: Row[] }) {
  const t = useT("agents");
  const language = useLanguageName();
  const brain = useBrainName();
  return (
    <DataTable
      label={t("title")}
      rows={rows}
      keyOf={(row) => row.id}
      to={(row) => `/agents/${row.id}`}
      columns={[
        {
          id: "name",
          header: t("field.name"),
          cell: (row) => (
            <Group gap="xs" wrap="nowrap">
              <TextLink to={`/agents/${row.id}`} fw={600}>
                <bdi>{row.name}</bdi>
              </TextLink>
              <Warnings of={row} />
            </Group>
          ),
        },
        { id: "language", header: t("field.language"), cell: (row) => language(row.language) },
        { id: "brain", header: t("field.brain"), cell: (row) => brain(row.brain) },
        {
          id: "numbers",
          header: t("field.numbers"),
          cell: (row) =>
            row.numbers.length > 0 ? (
              <bdi dir="ltr">{row.numbers.join(", ")}</bdi>
            ) : (
              <Text span size="sm" c="dimmed">
                {t("no_numbers")}
              </Text>
            ),
        },
        {
          id: "saved",
          header: t("field.saved"),
          wide: true,
          cell: (row) => (
            <Stack gap={0}>
              <span>
                {t("version", { number: row.version })} · <Moment at={row.saved_at} how="ago" />
              </span>
              <Text span size="xs" c="dimmed">
                <bdi>{row.saved_by}</bdi>
              </Text>
            </Stack>
          ),
        },
      ]}
    />
  );
}

function Warnings({ of: { warnings } }: { of: Row }) {
  const t = useT("agents");
  const words = useWarningWords();
  if (warnings.length === 0) return null;
  const all = warnings.map(words).join(" ");
  return (
    <Tooltip label={all} multiline maw={420}>
      <span tabIndex={0} aria-label={all}>
        <StatusBadge tone="wait">
          <IconAlertTriangle size={12} aria-hidden /> {t("warnings", { count: warnings.length })}
        </StatusBadge>
      </span>
    </Tooltip>
  );
}
