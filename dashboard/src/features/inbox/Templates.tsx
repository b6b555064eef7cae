import { Button, Group, Stack, Text } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useState } from "react";
import { api, client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { DataTable, type Column } from "@/ui/DataTable";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";
import { idOf } from "./templates";
import type { Template } from "./words";

const TONES: Record<string, Tone> = { approved: "good", pending: "wait", rejected: "bad", paused: "wait", disabled: "quiet" };
const CATEGORIES = ["marketing", "utility", "authentication"];

/** A number's templates as WhatsApp last listed them. */
export function Templates({ accountId }: { accountId: string }) {
  const t = useT("inbox");
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const params = { path: { account_id: accountId } };
  const templates = api.useQuery("get", "/api/chat-accounts/{account_id}/templates", { params });
  const refresh = async () => {
    setBusy(true);
    await act(() => client.POST("/api/chat-accounts/{account_id}/templates/refresh", { params }), t("templates.asked"));
    setBusy(false);
  };
  const columns: Column<Template>[] = [
    { id: "name", header: t("templates.name"), cell: (row) => <bdi dir="ltr">{row.name}</bdi>, whole: true },
    { id: "language", header: t("templates.language"), cell: (row) => <bdi dir="ltr">{row.language}</bdi> },
    {
      id: "status", header: t("templates.status"),
      cell: (row) => (
        <StatusBadge tone={TONES[row.status] ?? "quiet"}>
          {row.status in TONES ? t(`templates.state.${row.status}`) : row.status}
        </StatusBadge>
      ),
    },
    {
      id: "category", header: t("templates.category"), wide: true,
      cell: (row) => (CATEGORIES.includes(row.category) ? t(`templates.kind.${row.category}`) : row.category),
    },
    {
      id: "body", header: t("templates.body"),
      cell: (row) => (
        <Text size="sm" dir="auto" lineClamp={2}>
          {row.body}
        </Text>
      ),
    },
  ];
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Text size="sm" c="dimmed" maw="40rem">
          {t("templates.about")}
        </Text>
        <Button size="xs" variant="default" leftSection={<IconRefresh size={14} />} loading={busy} onClick={() => void refresh()}>
          {t("templates.refresh")}
        </Button>
      </Group>
      <Answer of={templates}>
        {(rows) =>
          rows.length === 0 ? (
            <Text c="dimmed">{t("template.none")}</Text>
          ) : (
            <DataTable label={t("accounts.templates")} columns={columns} rows={rows} keyOf={idOf} />
          )
        }
      </Answer>
    </Stack>
  );
}
