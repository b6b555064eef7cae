// Whom a conversation is with, and how it is handled: who has it, its state, labels, what the agent does.

import { Button, Group, Select, Stack, TagsInput, Text, Title } from "@mantine/core";
import { IconMailOpened, IconUser } from "@tabler/icons-react";
import { api, client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { usePeople } from "@/lib/people";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { Facts } from "@/ui/Facts";
import { ButtonLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { LeadStatusBadge, Tags } from "@/features/leads/words";
import { useEdit } from "./Thread";
import { AI_MODES, nameOf, STATES, type AiMode, type OpenConversation, type State } from "./words";

const MOST_LABELS = 20;

export function SidePanel({ conversation }: { conversation: OpenConversation }) {
  return (
    <Stack gap="md">
      <Person conversation={conversation} />
      <Handling conversation={conversation} />
    </Stack>
  );
}

function Person({ conversation }: { conversation: OpenConversation }) {
  const t = useT("inbox");
  const leadId = conversation.lead_id;
  const lead = api.useQuery(
    "get",
    "/api/leads/{lead_id}",
    { params: { path: { lead_id: leadId ?? "" } } },
    { enabled: leadId !== null },
  );
  const statuses = api.useQuery("get", "/api/lead-statuses");
  if (leadId === null) {
    return (
      <div>
        <Title order={3}>
          <bdi>{nameOf(conversation)}</bdi>
        </Title>
        <Text size="sm" c="dimmed">
          {t("person.no_lead")}
        </Text>
      </div>
    );
  }
  return (
    <Answer of={lead}>
      {(data) => {
        const status = statuses.data?.find(({ id }) => id === data.status_id);
        return (
          <Stack gap="xs">
            <Title order={3} dir="auto">
              {data.name || data.phone}
            </Title>
            <Facts
              facts={[
                status && { label: t("person.status"), value: <LeadStatusBadge status={status} /> },
                { label: t("person.phone"), value: <bdi dir="ltr">{data.phone}</bdi> },
                data.email !== null && { label: t("person.email"), value: <bdi dir="ltr">{data.email}</bdi> },
                conversation.name && conversation.name !== data.name && { label: t("person.calls_themselves"), value: <bdi>{conversation.name}</bdi> },
                data.tags.length > 0 && { label: t("person.tags"), value: <Tags tags={data.tags} /> },
                conversation.last_in_at !== null && { label: t("person.last_in"), value: <Moment at={conversation.last_in_at} how="ago" /> },
              ].map((fact) => fact || null)}
            />
            <ButtonLink to={`/leads/${leadId}`} variant="default" size="xs" leftSection={<IconUser size={15} />}>
              {t("person.open")}
            </ButtonLink>
          </Stack>
        );
      }}
    </Answer>
  );
}

function Handling({ conversation }: { conversation: OpenConversation }) {
  const t = useT("inbox");
  const { me, may } = useSession();
  const act = useAct();
  const edit = useEdit(conversation);
  const people = usePeople();
  const known = api.useQuery("get", "/api/conversations/labels");
  const mayWrite = may("agent");
  const params = { path: { conversation_id: conversation.id } };
  return (
    <Stack gap="sm">
      <Select
        label={t("handle.assignee")}
        data={[{ value: "", label: t("handle.nobody") }, ...people]}
        value={conversation.assignee_id ?? ""}
        onChange={(id) => void edit({ assignee_id: id || null })}
        allowDeselect={false}
        disabled={!mayWrite}
        searchable={people.length > 8}
      />
      {mayWrite && conversation.assignee_id !== me.user_id && (
        <Button size="compact-sm" variant="subtle" onClick={() => void edit({ assignee_id: me.user_id })} style={{ alignSelf: "flex-start" }}>
          {t("handle.to_me")}
        </Button>
      )}
      <Select
        label={t("handle.state")}
        data={STATES.map((value) => ({ value, label: t(`state.${value}`) }))}
        value={conversation.state}
        onChange={(state) => void edit({ state: state as State })}
        allowDeselect={false}
        disabled={!mayWrite}
      />
      <Select
        label={t("handle.ai")}
        description={t(`ai.about.${conversation.ai_mode}`)}
        data={AI_MODES.map((value) => ({ value, label: t(`ai.mode.${value}`) }))}
        value={conversation.ai_mode}
        onChange={(mode) => void edit({ ai_mode: mode as AiMode })}
        allowDeselect={false}
        disabled={!mayWrite}
      />
      <TagsInput
        label={t("handle.labels")}
        description={t("handle.labels_about")}
        data={known.data ?? []}
        value={conversation.labels}
        onChange={(labels) => void edit({ labels })}
        maxTags={MOST_LABELS}
        maxLength={50}
        disabled={!mayWrite}
      />
      {mayWrite && (
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            leftSection={<IconMailOpened size={15} />}
            onClick={() => void act(() => client.POST("/api/conversations/{conversation_id}/unread", { params }), t("handle.unread_done"))}
          >
            {t("handle.unread")}
          </Button>
          {conversation.session && (
            <Button
              size="xs"
              variant="default"
              onClick={() => void act(() => client.POST("/api/conversations/{conversation_id}/close-session", { params }), t("session.done"))}
            >
              {t("session.close")}
            </Button>
          )}
        </Group>
      )}
      {conversation.session && (
        <Text size="xs" c="dimmed">
          {t("session.goes_on")} <Moment at={conversation.session.closes_at} how="clock" />
        </Text>
      )}
    </Stack>
  );
}
