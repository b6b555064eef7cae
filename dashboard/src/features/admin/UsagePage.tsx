// What each business used, by month.

import { Select, Stack } from "@mantine/core";
import { IconGauge } from "@tabler/icons-react";
import { useFilters } from "@/lib/address";
import { api, type Schema } from "@/lib/api";
import { useLanguage, useNumbers, useT } from "@/lib/i18n";
import { Answer } from "@/ui/Answer";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";

type Usage = Schema<"UsageOut">;

const LENGTHS = ["1", "3", "12", "36"];

export default function UsagePage() {
  const t = useT("admin");
  const language = useLanguage();
  const [filters, setFilters] = useFilters({ months: "12" });
  const months = LENGTHS.includes(filters.months) ? Number(filters.months) : 12;
  const usage = api.useQuery("get", "/api/admin/usage", { params: { query: { months } } });
  const format = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { month: "long", year: "numeric", timeZone: "UTC" });
  return (
    <>
      <PageHeader title={t("usage.title")} about={t("usage.about")}>
        <Select
          aria-label={t("usage.months")}
          value={String(months)}
          onChange={(value) => value && setFilters({ months: value })}
          data={LENGTHS.map((value) => ({ value, label: t("usage.last", { count: Number(value) }) }))}
          allowDeselect={false}
          w="11rem"
        />
      </PageHeader>
      <Answer of={usage}>
        {(found) =>
          found.length === 0 ? (
            <EmptyState icon={IconGauge} title={t("usage.none.title")} body={t("usage.none.body")} />
          ) : (
            <Stack gap="md">
              {[...new Set(found.map(({ month }) => month))].map((month) => (
                <Panel key={month} title={format.format(new Date(month))}>
                  <Month rows={found.filter((row) => row.month === month)} />
                </Panel>
              ))}
            </Stack>
          )
        }
      </Answer>
    </>
  );
}

function Month({ rows }: { rows: Usage[] }) {
  const t = useT("admin");
  const numbers = useNumbers();
  const sum = (of: (row: Usage) => number) => rows.reduce((total, row) => total + of(row), 0);
  const whole: (Usage & { isSum?: boolean })[] = [...rows];
  const [first] = rows;
  if (first && rows.length > 1) {
    whole.push({
      ...first,
      isSum: true,
      business_id: "sum",
      business: t("usage.sum"),
      inbound: sum((row) => row.inbound),
      outbound: sum((row) => row.outbound),
      minutes: sum((row) => row.minutes),
      appointments: sum((row) => row.appointments),
    });
  }
  return (
    <DataTable
      label={t("usage.title")}
      rows={whole}
      keyOf={(row) => row.business_id}
      columns={[
        { id: "business", header: t("usage.business"), cell: (row) => (row.isSum ? <b>{row.business}</b> : <bdi>{row.business}</bdi>) },
        { id: "inbound", header: t("usage.inbound"), end: true, cell: (row) => numbers.whole(row.inbound) },
        { id: "outbound", header: t("usage.outbound"), end: true, cell: (row) => numbers.whole(row.outbound) },
        { id: "minutes", header: t("usage.minutes"), end: true, cell: (row) => numbers.whole(row.minutes) },
        { id: "appointments", header: t("usage.appointments"), end: true, cell: (row) => numbers.whole(row.appointments) },
      ]}
    />
  );
}
