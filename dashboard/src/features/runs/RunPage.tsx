import { Alert, Card, Grid, Stack, Tabs, Text } from "@mantine/core";
import { useFilters, usePath } from "@/lib/address";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { Answer } from "@/ui/Answer";
import { TextLink } from "@/ui/LinkTo";
import { PageHeader } from "@/ui/PageHeader";
import { RunBar, RunCounts, useRunNow } from "@/ui/RunBar";
import type { Schema } from "@/lib/api";
import { Dials } from "./Dials";
import { Doubts } from "./Doubts";
import { LeadDrawer } from "./LeadDrawer";
import { Leads } from "./Leads";
import { Outlook } from "./Outlook";
import { RunActs } from "./RunActs";
import { RunOptions } from "./RunOptions";
import { useRunFresh } from "./useRunFresh";
import { Waits } from "./Waits";
import { RunStateBadge } from "./words";

export default function RunPage() {
  const runId = usePath("runId");
  const run = api.useQuery("get", "/api/runs/{run_id}", { params: { path: { run_id: runId } } });
  return <Answer of={run}>{(data) => <ThisRun key={data.id} run={data} />}</Answer>;
}

function ThisRun({ run }: { run: Schema<"RunOut"> }) {
  const t = useT("runs");
  const time = useTime();
  const now = useRunNow(run);
  useRunFresh(run);
  const [{ tab, lead, busy }, setFilters] = useFilters({ tab: "leads", lead: "", busy: "" });
  const isOver = ["completed", "cancelled", "failed"].includes(now.state);
  const waits = now.progress.queued > 0 && !isOver;
  return (
    <>
      <PageHeader
        title={run.title}
        heading={<bdi>{run.title}</bdi>}
        back={{ to: "/runs", label: t("title") }}
        badge={<RunStateBadge state={now.state} />}
      >
        <RunActs run={run} />
      </PageHeader>
      <Stack gap="md">
        {busy && run.state === "pending" && (
          <Alert color="yellow" role="alert" withCloseButton onClose={() => setFilters({ busy: "" })} closeButtonLabel={t("close")}>
            {t("refused.list")} <TextLink to={`/runs/${busy}`}>{t("refused.other")}</TextLink>
          </Alert>
        )}
        <Grid>
          <Grid.Col span={{ base: 12, md: waits ? 7 : 12 }}>
            <Card withBorder h="100%">
              <Stack gap="xs">
                <RunBar run={run} />
                <RunCounts run={run} />
                <Waits run={run} />
                <Text size="xs" c="dimmed">
                  {t("created", { when: time.dateTime(run.created_at) })}
                  {run.started_at && ` · ${t("started", { when: time.dateTime(run.started_at) })}`}
                  {run.finished_at && ` · ${t(now.state === "cancelled" ? "cancelled_at" : "finished", { when: time.dateTime(run.finished_at) })}`}
                </Text>
                {run.retry_of && (
                  <TextLink to={`/runs/${run.retry_of}`} size="sm">
                    {t("retry_of")}
                  </TextLink>
                )}
              </Stack>
            </Card>
          </Grid.Col>
          {waits && (
            <Grid.Col span={{ base: 12, md: 5 }}>
              <OutlookOfRun runId={run.id} />
            </Grid.Col>
          )}
        </Grid>
        <Doubts run={run} />
        <Tabs value={tab} onChange={(value) => setFilters({ tab: value ?? "leads" })} keepMounted={false}>
          <Tabs.List mb="sm">
            <Tabs.Tab value="leads">{t("tab.leads")}</Tabs.Tab>
            <Tabs.Tab value="dials">{t("tab.dials")}</Tabs.Tab>
            <Tabs.Tab value="options">{t("tab.options")}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="leads">
            <Leads run={run} open={(itemId) => setFilters({ lead: itemId }, { push: true })} />
          </Tabs.Panel>
          <Tabs.Panel value="dials">
            <Dials run={run} open={(itemId) => setFilters({ lead: itemId }, { push: true })} />
          </Tabs.Panel>
          <Tabs.Panel value="options">
            <RunOptions run={run} />
          </Tabs.Panel>
        </Tabs>
      </Stack>
      <LeadDrawer runId={run.id} itemId={lead} close={() => setFilters({ lead: "" })} />
    </>
  );
}

function OutlookOfRun({ runId }: { runId: string }) {
  const outlook = api.useQuery(
    "get",
    "/api/runs/{run_id}/outlook",
    { params: { path: { run_id: runId } } },
    // What is open now shuts by the clock, and nothing announces that.
    { refetchInterval: 60_000 },
  );
  return (
    <Card withBorder h="100%">
      <Answer of={outlook}>{(data) => <Outlook outlook={data} of="run" />}</Answer>
    </Card>
  );
}
