// What people write about a call, while it is live or later. Two who write at once are told of each other.

import { Alert, Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { client, type Schema } from "@/lib/api";
import { hasCode } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";

type Kept = Schema<"NotesOut">;

export function Notes({ callId, notes, changed }: { callId: string; notes: Kept; changed: () => Promise<unknown> }) {
  const t = useT("calls");
  const act = useAct();
  const { may } = useSession();
  /** What is being written, over which version; null while nothing is. */
  const [draft, setDraft] = useState<{ text: string; version: number } | null>(null);
  const [theirs, setTheirs] = useState<Kept | null>(null);
  const [busy, setBusy] = useState(false);
  const text = draft?.text ?? notes.text;

  const save = async () => {
    if (!draft) return;
    setBusy(true);
    await act(async () => {
      try {
        const { data } = await client.PUT("/api/calls/{call_id}/notes", { params: { path: { call_id: callId } }, body: draft });
        if (!data) return;
        setTheirs(null);
        await changed();
        // What was typed while the save was on its way is still being written, over what was saved.
        setDraft((now) => (now && now.text !== draft.text ? { text: now.text, version: data.version } : null));
      } catch (failure) {
        if (!hasCode(failure, "notes_changed")) throw failure;
        const { notes: now, version, by } = failure.data as { notes: string; version: number; by: string | null };
        setTheirs({ text: now, version, by });
        setDraft((latest) => ({ text: (latest ?? draft).text, version }));
      }
    });
    setBusy(false);
  };

  return (
    <Stack gap="xs">
      {theirs && (
        <Alert color="yellow" role="alert" title={t("notes.changed", { by: theirs.by ?? "" })}>
          <Text size="sm" dir="auto" style={{ whiteSpace: "pre-wrap" }}>
            {theirs.text}
          </Text>
          <Button size="compact-sm" variant="default" mt="xs" onClick={() => (setDraft(null), setTheirs(null), void changed())}>
            {t("notes.take_theirs")}
          </Button>
        </Alert>
      )}
      <Textarea
        aria-label={t("notes.title")} placeholder={t("notes.hint")} dir="auto" autosize minRows={3} maxRows={12} maxLength={20_000}
        value={text} readOnly={!may("agent")}
        onChange={(event) => setDraft({ text: event.currentTarget.value, version: draft?.version ?? notes.version })}
      />
      <Group justify="space-between">
        <Text size="xs" c="dimmed">
          {notes.by && <bdi>{t("notes.by", { by: notes.by })}</bdi>}
        </Text>
        {may("agent") && (
          <Button size="xs" onClick={() => void save()} loading={busy} disabled={!draft || draft.text === notes.text}>
            {t("notes.save")}
          </Button>
        )}
      </Group>
    </Stack>
  );
}
