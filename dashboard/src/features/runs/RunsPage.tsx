import { Button, Card, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPhone, IconPhoneOutgoing, IconPlus } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useFilters } from "@/lib/address";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useTime } from "@/lib/time";
import { Answer } from "@/ui/Answer";
import { EmptyState } from "@/ui/EmptyState";
import { ButtonLink, TextLink } from "@/ui/LinkTo";
import { PageHeader } from "@/ui/PageHeader";
import { Pager, usePages } from "@/ui/Pager";
import { RunBar, RunCounts, useRunNow } from "@/ui/RunBar";
import { CallNow } from "./CallNow";
import { RunActs } from "./RunActs";
import { Waits } from "./Waits";
import { RunStateBadge } from "./words";

const A_PAGE = 20;
type RunState = Schema<"RunState">;
const SHOWN: Record<string, RunState[]> = {
  all: [],
  active: ["running", "paused"],
  pending: ["pending"],
  over: ["completed", "cancelled", "failed"],
};

export default function RunsPage() {
  const t = useT("runs");
  const { may } = useSession();
  const [{ show }, setFilters] = useFilters({ show: "all" });
  const [calling, call] = useDisclosure();
  const state = SHOWN[show] ?? [];
  const pages = usePages(show);
  const runs = api.useQuery(
    "get",
    "/api/runs",
    { params: { query: { state, limit: A_PAGE, after: pages.cursor } } },
    { placeholderData: keepPreviousData },
  );
  const buttons = may("agent") && (
    <>
      <Button variant="default" leftSection={<IconPhone size={16} />} onClick={call.open}>
        {t("call_now.button")}
      </Button>
      <ButtonLink to="/runs/new" leftSection={<IconPlus size={16} />}>
        {t("new")}
      </ButtonLink>
    </>
  );
  return (
    <>
      <PageHeader title={t("title")} about={t("about")}>
        {buttons}
      </PageHeader>
      <SegmentedControl
        mb="md"
        aria-label={t("show.label")}
        value={show in SHOWN ? show : "all"}
        onChange={(value) => setFilters({ show: value })}
        data={Object.keys(SHOWN).map((value) => ({ value, label: t(`show.${value}`) }))}
      />
      <Answer of={runs}>
        {(rows) => {
          if (rows.length === 0 && show === "all" && pages.page === 1) {
            return (
              <EmptyState icon={IconPhoneOutgoing} title={t("none.title")} body={t("none.body")}>
                {may("agent") && <ButtonLink to="/runs/new">{t("new")}</ButtonLink>}
              </EmptyState>
            );
          }
          return (
            <Stack gap="sm">
              {rows.length === 0 && <Text c="dimmed">{t("none.such")}</Text>}
              {rows.map((run) => (
                <RunCard key={run.id} run={run} />
              ))}
              <Pager pages={pages} following={rows.length === A_PAGE ? rows.at(-1)?.id : null} busy={runs.isPlaceholderData} />
            </Stack>
          );
        }}
      </Answer>
      <CallNow opened={calling} close={call.close} />
    </>
  );
}

function RunCard({ run }: { run: Schema<"RunOut"> }) {
  const t = useT("runs");
  const time = useTime();
  const now = useRunNow(run);
  return (
    <Card withBorder component="article" data-run={run.id} p="sm">
      <Group justify="space-between" align="flex-start" gap="xs">
        <Group gap="xs">
          <TextLink to={`/runs/${run.id}`} fw={600}>
            <bdi>{run.title}</bdi>
          </TextLink>
          <RunStateBadge state={now.state} />
        </Group>
        <RunActs run={run} compact />
      </Group>
      <Stack gap={6} mt={6}>
        <RunBar run={run} />
        <RunCounts run={run} />
        <Waits run={run} />
        <Text size="xs" c="dimmed">
          {t("created", { when: time.short(run.created_at) })}
          {run.started_at && ` · ${t("started", { when: time.short(run.started_at) })}`}
          {run.finished_at && ` · ${t("finished", { when: time.short(run.finished_at) })}`}
        </Text>
      </Stack>
    </Card>
  );
}
