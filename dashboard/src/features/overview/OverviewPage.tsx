// How the business stands: who is on the line, what runs, what today came to, what needs a person.

import { Grid, SegmentedControl, Stack } from "@mantine/core";
import { IconPhoneCalling } from "@tabler/icons-react";
import { useState } from "react";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useTime } from "@/lib/time";
import { Answer } from "@/ui/Answer";
import { EmptyState } from "@/ui/EmptyState";
import { ButtonLink } from "@/ui/LinkTo";
import { PageHeader } from "@/ui/PageHeader";
import { ActiveRuns } from "./ActiveRuns";
import { Attention } from "./Attention";
import { Month, Today } from "./Charts";
import { FigureCards, type Period } from "./FigureCards";
import { LiveCalls } from "./LiveCalls";
import { Outcomes } from "./Outcomes";
import { useFresh } from "./useFresh";

/** Hours go by even where nothing happens. */
const ANYWAY_MS = 60_000;

export default function OverviewPage() {
  const t = useT("overview");
  const time = useTime();
  const [period, setPeriod] = useState<Period>("today");
  const overview = api.useQuery("get", "/api/overview", {}, { refetchInterval: ANYWAY_MS });
  useFresh(() => overview.refetch({ cancelRefetch: false }));
  const isNew = overview.data !== undefined && nothingYet(overview.data);
  return (
    <>
      <PageHeader title={t("title")} about={time.day(new Date())}>
        {overview.data && !isNew && (
          <SegmentedControl
            size="xs"
            aria-label={t("period.label")}
            value={period}
            onChange={(value) => setPeriod(value as Period)}
            data={[
              { value: "today", label: t("period.today") },
              { value: "last_7_days", label: t("period.last_7_days") },
              { value: "last_30_days", label: t("period.last_30_days") },
            ]}
          />
        )}
      </PageHeader>
      <Answer of={overview}>{(found) => (isNew ? <FirstSteps found={found} /> : <Standing found={found} period={period} />)}</Answer>
    </>
  );
}

function Standing({ found, period }: { found: Schema<"OverviewOut">; period: Period }) {
  return (
    <Stack gap="md">
      <FigureCards figures={found[period]} />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Stack gap="md">
            <LiveCalls calls={found.live_calls} count={found.live_count} />
            <ActiveRuns runs={found.runs} />
            <Today hours={found.hours} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Stack gap="md">
            <Attention matters={found.attention} />
            <Outcomes outcomes={found.outcomes} />
          </Stack>
        </Grid.Col>
      </Grid>
      <Month days={found.days} />
    </Stack>
  );
}

/** A business without calls: what to do first. */
function FirstSteps({ found }: { found: Schema<"OverviewOut"> }) {
  const t = useT("overview");
  const { may } = useSession();
  return (
    <Stack gap="md">
      {found.attention.length > 0 && <Attention matters={found.attention} />}
      <EmptyState icon={IconPhoneCalling} title={t("first.title")} body={t("first.body")}>
        {may("agent") && (
          <>
            <ButtonLink to="/agents" variant="default">
              {t("first.agent")}
            </ButtonLink>
            <ButtonLink to="/leads" variant="default">
              {t("first.leads")}
            </ButtonLink>
            <ButtonLink to="/runs">{t("first.run")}</ButtonLink>
          </>
        )}
      </EmptyState>
    </Stack>
  );
}

function nothingYet(found: Schema<"OverviewOut">): boolean {
  return found.last_30_days.calls === 0 && found.live_count === 0 && found.runs.length === 0;
}
