// The last things that came through a webhook, and what came of each.

import { Code, Text } from "@mantine/core";
import { IconInbox } from "@tabler/icons-react";
import { useOwnNames } from "@/features/leads/useOwn";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { Answer } from "@/ui/Answer";
import { DataTable, type Column } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

type Delivery = Schema<"DeliveryOut">;

const TONES: Record<number, Tone> = { 201: "good", 200: "busy", 422: "bad" };

export function Deliveries({ webhookId, name }: { webhookId: string; name: string }) {
  const t = useT("leadflow");
  const params = { path: { webhook_id: webhookId } };
  const found = api.useQuery("get", "/api/lead-webhooks/{webhook_id}/deliveries", { params });
  return (
    <Answer of={found}>
      {({ deliveries }) =>
        deliveries.length === 0 ? (
          <EmptyState icon={IconInbox} title={t("deliveries.none_title")} body={t("deliveries.none_body")} />
        ) : (
          <DataTable label={t("deliveries.of", { name })} columns={columnsOf(t)} rows={deliveries} keyOf={(row) => row.id} least="40rem" />
        )
      }
    </Answer>
  );
}

export function DeliveryBadge({ status }: { status: number }) {
  const t = useT("leadflow");
  return <StatusBadge tone={TONES[status] ?? "odd"}>{t(`delivery.${status}`)}</StatusBadge>;
}

/** Why a delivery could not be used, in words. */
export function Refusal({ answer }: { answer: Record<string, unknown> }) {
  const t = useT("leadflow");
  const named = useOwnNames();
  const error = answer.error as { data?: { fields?: { field: string; code: string; message: string }[] } } | undefined;
  const faults = error?.data?.fields ?? [];
  return (
    <>
      {faults.map(({ field, code, message }) => (
        <Text key={field} size="xs">
          <b>{named(field) ?? t(`field.${field}`)}</b>: {t(`fault.${code}`, { defaultValue: message })}
        </Text>
      ))}
    </>
  );
}

function columnsOf(t: (key: string) => string): Column<Delivery>[] {
  return [
    { id: "at", header: t("deliveries.at"), cell: (row) => <Moment at={row.at} how="dateTime" />, whole: true },
    { id: "status", header: t("deliveries.outcome"), cell: (row) => <DeliveryBadge status={row.status} />, whole: true },
    {
      id: "what",
      header: t("deliveries.what"),
      cell: (row) => (
        <>
          {row.is_test && <Text size="xs">{t("deliveries.trial")}</Text>}
          {row.lead_id && (
            <TextLink to={`/leads/${row.lead_id}`} size="sm" underline="always">
              {t("deliveries.lead")}
            </TextLink>
          )}
          <Refusal answer={row.answer} />
        </>
      ),
    },
    {
      id: "body",
      header: t("deliveries.body"),
      cell: (row) => (
        <Code dir="ltr" style={{ display: "block", maxBlockSize: "5rem", overflow: "auto", overflowWrap: "anywhere" }} tabIndex={0}>
          {row.body}
        </Code>
      ),
      wide: true,
    },
  ];
}
