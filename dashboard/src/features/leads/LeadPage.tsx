import { Alert, Button, Grid, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconArrowMerge, IconCalendarPlus, IconPencil, IconPhone, IconPhoneOff } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { useBecause } from "@/features/calling/because";
import { LeadTasks } from "@/features/tasks/LeadTasks";
import { useFilters, usePath } from "@/lib/address";
import { api, client, type Schema } from "@/lib/api";
import { hasCode } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { Facts } from "@/ui/Facts";
import { ButtonLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";
import { Addresses } from "./Addresses";
import { CallLead } from "./CallLead";
import { ConsentMenu } from "./ConsentMenu";
import { EditLead } from "./EditLead";
import { Duplicates, MergeLead } from "./MergeLead";
import { Owner, OwnValue } from "./own";
import { StatusMenu } from "./StatusMenu";
import { Timeline } from "./Timeline";
import { useOwnFields, type Value } from "./useOwn";
import { nameOf, Phone, SourceName, Tags } from "./words";

type Detail = Schema<"LeadDetail">;

export default function LeadPage() {
  const leadId = usePath("leadId");
  const lead = api.useQuery("get", "/api/leads/{lead_id}", { params: { path: { lead_id: leadId } } });
  // Who was merged into somebody else is that one now.
  if (hasCode(lead.error, "not_found") && lead.error.data.reason === "merged") {
    return <Navigate to={`/leads/${String(lead.error.data.lead_id)}`} replace />;
  }
  return <Answer of={lead}>{(data) => <LeadView key={data.id} lead={data} />}</Answer>;
}

function LeadView({ lead }: { lead: Detail }) {
  const t = useT("leads");
  const { may } = useSession();
  const statuses = api.useQuery("get", "/api/lead-statuses");
  const suppression = api.useQuery("get", "/api/leads/{lead_id}/suppression", {
    params: { path: { lead_id: lead.id } },
  });
  const [editing, edit] = useDisclosure();
  const [calling, call] = useDisclosure();
  const own = useOwnFields();
  const [{ merge: merging }, set] = useFilters({ merge: "" });
  const isOff = suppression.data && (suppression.data.suppressed !== null || suppression.data.everywhere);
  return (
    <>
      <PageHeader
        title={nameOf(lead)}
        heading={<bdi>{nameOf(lead)}</bdi>}
        back={{ to: "/leads", label: t("title") }}
        badge={statuses.data && <StatusMenu lead={lead} statuses={statuses.data} />}
        about={lead.name ? <Phone>{lead.phone}</Phone> : undefined}
      >
        {may("agent") && (
          <>
            <Button leftSection={<IconPhone size={16} />} onClick={call.open} disabled={isOff !== false}>
              {t("call.button")}
            </Button>
            <ButtonLink
              to="/appointments"
              search={{ book: lead.id }}
              variant="default"
              leftSection={<IconCalendarPlus size={16} />}
            >
              {t("appointment.button")}
            </ButtonLink>
            <Button variant="default" leftSection={<IconPencil size={16} />} onClick={edit.open}>
              {t("edit.button")}
            </Button>
            <Button variant="default" leftSection={<IconArrowMerge size={16} />} onClick={() => set({ merge: "choose" })}>
              {t("merge.open")}
            </Button>
          </>
        )}
      </PageHeader>
      {suppression.data && <Suppressed lead={lead} of={suppression.data} />}
      {may("agent") && <Duplicates lead={lead} merge={(other) => set({ merge: other })} />}
      <Grid>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Stack>
          <Panel title={t("facts.title")}>
            <Stack gap="sm">
              <Facts
                facts={[
                  { label: t("field.phone"), value: <Phone>{lead.phone}</Phone> },
                  lead.email !== null && { label: t("field.email"), value: <bdi dir="ltr">{lead.email}</bdi> },
                  lead.owner_id !== null && { label: t("field.owner_id"), value: <Owner id={lead.owner_id} /> },
                  ...own
                    .filter((field) => lead.fields[field.key] !== undefined)
                    .map((field) => ({
                      label: field.label,
                      value: <OwnValue field={field} value={lead.fields[field.key] as Value} />,
                    })),
                  lead.tags.length > 0 && { label: t("field.tags"), value: <Tags tags={lead.tags} /> },
                  { label: t("field.consent"), value: <ConsentMenu lead={lead} /> },
                  lead.consent_at !== null && {
                    label: t("field.consent_at"),
                    value: <Moment at={lead.consent_at} how="dateTime" />,
                  },
                  lead.consent_source !== null && {
                    label: t("field.consent_source"),
                    value: <bdi>{lead.consent_source}</bdi>,
                  },
                  lead.lists.length > 0 && {
                    label: t("field.lists"),
                    value: <bdi>{lead.lists.map((list) => list.name).join(", ")}</bdi>,
                  },
                  { label: t("field.source"), value: <SourceName source={lead.source} /> },
                  { label: t("field.created"), value: <Moment at={lead.created_at} how="dateTime" /> },
                ]}
              />
              {lead.notes !== null && (
                <div>
                  <Text size="xs" c="dimmed">
                    {t("field.notes")}
                  </Text>
                  <Text size="sm" dir="auto" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
                    {lead.notes}
                  </Text>
                </div>
              )}
              {may("agent") && isOff === false && <Suppress lead={lead} />}
            </Stack>
          </Panel>
          <Addresses lead={lead} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack>
            <LeadTasks leadId={lead.id} />
            <Timeline lead={lead} />
          </Stack>
        </Grid.Col>
      </Grid>
      <EditLead lead={lead} opened={editing} close={edit.close} />
      <MergeLead
        lead={lead}
        other={merging === "choose" ? "" : merging}
        choose={(other) => set({ merge: other || "choose" })}
        opened={merging !== "" && may("agent")}
        close={() => set({ merge: "" })}
      />
      <CallLead lead={lead} opened={calling} close={call.close} />
    </>
  );
}

function Suppressed({ lead, of }: { lead: Detail; of: Schema<"SuppressionOfLead"> }) {
  const t = useT("leads");
  const because = useBecause();
  const act = useAct();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const { may } = useSession();
  if (!of.suppressed && !of.everywhere) return null;
  const allow = async () => {
    const question = { title: t("suppressed.allow_title"), body: t("suppressed.allow_body"), confirm: t("suppressed.allow") };
    if (!(await confirm(question))) return;
    const params = { path: { phone: lead.phone } };
    await act(() => client.DELETE("/api/suppressions/{phone}", { params }), t("suppressed.allowed"));
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/{lead_id}/suppression"] });
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/{lead_id}/timeline"] });
  };
  return (
    <Alert color="red" mb="md" icon={<IconPhoneOff size={20} />} title={t("suppressed.title")} role="status">
      <Group justify="space-between">
        <Text size="sm">
          {t(of.suppressed ? "suppressed.own" : "suppressed.everywhere")}{" "}
          {of.suppressed && (
            <>
              <bdi>{because(of.suppressed.reason)}</bdi> · <Moment at={of.suppressed.created_at} />
            </>
          )}
        </Text>
        {of.suppressed && may("admin") && (
          <Button size="compact-sm" variant="default" onClick={() => void allow()}>
            {t("suppressed.allow")}
          </Button>
        )}
      </Group>
    </Alert>
  );
}

function Suppress({ lead }: { lead: Detail }) {
  const t = useT("leads");
  const act = useAct();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const suppress = async () => {
    const question = {
      title: t("suppress.title", { name: nameOf(lead) }),
      body: t("suppress.body"),
      confirm: t("suppress.button"),
    };
    if (!(await confirm(question))) return;
    const body = { phone: lead.phone, reason: "asked" };
    await act(() => client.POST("/api/suppressions", { body }), t("suppress.done"));
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/{lead_id}/suppression"] });
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/{lead_id}/timeline"] });
  };
  return (
    <Button variant="light" color="red" size="xs" leftSection={<IconPhoneOff size={14} />} onClick={() => void suppress()}>
      {t("suppress.button")}
    </Button>
  );
}
