// One lead of a run: where it stands, and every dial with what was told of it and when.

import { Card, Group, Modal, Stack, Text, Timeline, Title } from "@mantine/core";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { lengthOf, useTime } from "@/lib/time";
import { Answer } from "@/ui/Answer";
import { TextLink } from "@/ui/LinkTo";
import { WaitsFor } from "./Leads";
import { Release } from "./Release";
import { DialStateBadge, ItemStateBadge, Outcome } from "./words";

export function LeadDrawer({ runId, itemId, close }: { runId: string; itemId: string; close: () => void }) {
  const t = useT("runs");
  return (
    <Modal
      opened={itemId !== ""}
      onClose={close}
      size="lg"
      title={t("lead.title")}
      closeButtonProps={{ "aria-label": t("lead.close") }}
    >
      {itemId !== "" && <OneLead runId={runId} itemId={itemId} />}
    </Modal>
  );
}

function OneLead({ runId, itemId }: { runId: string; itemId: string }) {
  const t = useT("runs");
  const item = api.useQuery("get", "/api/runs/{run_id}/items/{item_id}", {
    params: { path: { run_id: runId, item_id: itemId } },
  });
  return (
    <Answer of={item}>
      {(lead) => (
        <Stack>
          <div>
            <Title order={2}>
              {lead.lead_id ? (
                <TextLink to={`/leads/${lead.lead_id}`} inherit>
                  <bdi>{lead.name ?? lead.phone}</bdi>
                </TextLink>
              ) : (
                t("leads.gone")
              )}
            </Title>
            <Text c="dimmed">
              <bdi dir="ltr">{lead.phone}</bdi>
            </Text>
            <Group gap="xs" mt="xs">
              <ItemStateBadge state={lead.state} />
              {lead.disposition && (
                <Text size="sm">
                  <Outcome code={lead.disposition} />
                </Text>
              )}
              <WaitsFor item={lead} />
            </Group>
            <WhyNot lead={lead} />
          </div>
          <Title order={3}>{t("lead.dials", { count: lead.attempts.length })}</Title>
          {lead.attempts.length === 0 && <Text c="dimmed">{t("lead.never")}</Text>}
          {lead.attempts.map((dial) => (
            <OneDial key={dial.id} runId={runId} dial={dial} />
          ))}
        </Stack>
      )}
    </Answer>
  );
}

const WHY_NOT = [
  "suppressed",
  "no_consent",
  "attempts_in_all",
  "no_calling_hours",
  "too_late",
  "lead_deleted",
  "cause_gone",
];

/** Why somebody was never dialled, in a sentence that says what can be done. */
function WhyNot({ lead }: { lead: Schema<"ItemDetailOut"> }) {
  const t = useT("runs");
  if (!lead.disposition || !WHY_NOT.includes(lead.disposition)) return null;
  return (
    <Text size="sm" mt="xs">
      {t(`why.${lead.disposition}`)}
    </Text>
  );
}

function OneDial({ runId, dial }: { runId: string; dial: Schema<"AttemptOut"> }) {
  const t = useT("runs");
  const time = useTime();
  const steps = dial.steps ?? [];
  return (
    <Card withBorder p="sm" data-dial={dial.id}>
      <Group justify="space-between" mb="xs">
        <Text fw={600}>{time.dateTime(dial.created_at)}</Text>
        <DialStateBadge state={dial.state} />
      </Group>
      <Text size="sm" c="dimmed" mb="xs">
        {t("lead.from")} <bdi dir="ltr">{dial.from_number}</bdi>
        {dial.disposition && (
          <>
            {" · "}
            <Outcome code={dial.disposition} />
          </>
        )}
        {dial.call_length_s !== null && dial.call_length_s !== undefined && ` · ${lengthOf(dial.call_length_s)}`}
      </Text>
      <Timeline active={steps.length - 1} bulletSize={14} lineWidth={2} color={dial.state === "rejected" ? "red" : "trunk"}>
        {steps.map((step) => (
          <Timeline.Item key={`${step.state} ${step.at}`} title={t(`step.${step.state}`)} data-step={step.state}>
            <Text size="xs" c="dimmed">
              {time.exactClock(step.at)}
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
      {dial.error && (
        <Text size="sm" mt="xs">
          {t("lead.said")} <bdi lang="en">{dial.error}</bdi>
        </Text>
      )}
      {dial.call_id && (
        <TextLink to={`/calls/${dial.call_id}`} size="sm">
          {t("leads.open_call")}
        </TextLink>
      )}
      <Release runId={runId} dial={dial} />
    </Card>
  );
}
