// How far an import is: its bar while it goes on, its counts, and the buttons that steer it.

import { Button, Group, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Facts } from "@/ui/Facts";
import { ProgressBar } from "@/ui/ProgressBar";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";
import { useAct } from "@/ui/act";
import { useConfirm } from "@/ui/confirm";

type Import = Schema<"LeadImportOut">;
const TONES: Record<string, Tone> = {
  running: "busy", paused: "wait", completed: "good", cancelled: "quiet", failed: "bad",
};
export const isOpen = ({ state }: Import) => state === "running" || state === "paused";

export function ImportState({ state }: { state: string }) {
  const t = useT("lists");
  return <StatusBadge tone={TONES[state] ?? "quiet"}>{t(`state.${state}`)}</StatusBadge>;
}

/** Nothing for an import that is over. */
export function ImportBar({ of }: { of: Import }) {
  const t = useT("lists");
  const numbers = useNumbers();
  if (!isOpen(of)) return null;
  if (!of.expected) return <Text size="sm">{t("rows_so_far", { rows: numbers.whole(of.rows) })}</Text>;
  const expected = Math.max(of.expected, of.rows);
  return (
    <div data-import-bar={of.id}>
      <ProgressBar
        label={t("bar_of", { name: of.name })}
        total={expected}
        parts={[
          { tone: "good", count: of.imported },
          { tone: "bad", count: of.faults },
        ]}
      />
      <Text size="sm" c="dimmed" mt={4}>
        {t("bar", { rows: numbers.whole(of.rows), expected: numbers.whole(expected) })}
      </Text>
    </div>
  );
}

export function ImportCounts({ of }: { of: Import }) {
  const t = useT("lists");
  const numbers = useNumbers();
  return (
    <Facts
      facts={(["rows", "imported", "created", "updated", "faults"] as const).map((key) => ({
        label: t(`count.${key}`),
        value: <span data-count={key}>{numbers.whole(of[key])}</span>,
      }))}
    />
  );
}

export function ImportActs({ of }: { of: Import }) {
  const t = useT("lists");
  const { may } = useSession();
  const act = useAct();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  if (!may("agent") || !isOpen(of)) return null;
  const params = { path: { import_id: of.id } };
  const does = async (deed: () => Promise<unknown>) => {
    setBusy(true);
    await act(deed);
    await queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith("/api/lead-imports") });
    setBusy(false);
  };
  const cancel = async () => {
    const sure = await confirm({ title: t("cancel.title"), body: t("cancel.body"), confirm: t("cancel.yes") });
    if (sure) await does(() => client.POST("/api/lead-imports/{import_id}/cancel", { params }));
  };
  return (
    <Group gap="xs">
      {of.state === "running" ? (
        <Button size="compact-sm" variant="default" loading={busy} onClick={() => void does(() => client.POST("/api/lead-imports/{import_id}/pause", { params }))}>
          {t("act.pause")}
        </Button>
      ) : (
        <Button size="compact-sm" loading={busy} onClick={() => void does(() => client.POST("/api/lead-imports/{import_id}/resume", { params }))}>
          {t("act.resume")}
        </Button>
      )}
      <Button size="compact-sm" variant="default" loading={busy} onClick={() => void cancel()}>
        {t("act.cancel")}
      </Button>
    </Group>
  );
}
