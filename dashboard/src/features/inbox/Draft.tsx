// What the agent proposes to answer: a person reads it, changes it where they want to, and sends or discards it.

import { Button, Group, Text, Textarea } from "@mantine/core";
import { IconRobot } from "@tabler/icons-react";
import { useState } from "react";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import type { Message } from "./words";
import classes from "./Inbox.module.css";

export function Draft({ message }: { message: Message }) {
  const t = useT("inbox");
  const act = useAct();
  const { may } = useSession();
  const [text, setText] = useState(message.text);
  const [busy, setBusy] = useState(false);
  const params = { path: { conversation_id: message.conversation_id, message_id: message.id } };
  const does = async (deed: () => Promise<unknown>, done?: string) => {
    setBusy(true);
    await act(deed, done);
    setBusy(false);
  };
  const send = () =>
    does(() =>
      client.POST("/api/conversations/{conversation_id}/drafts/{message_id}/send", {
        params,
        body: text.trim() === message.text.trim() ? {} : { text: text.trim() },
      }),
    );
  const discard = () =>
    does(() => client.POST("/api/conversations/{conversation_id}/drafts/{message_id}/discard", { params }), t("draft.discarded"));
  return (
    <li className={classes.bubble} data-direction="out" data-state="draft" data-message={message.id}>
      <Group gap={4} mb={4}>
        <IconRobot size={14} aria-hidden />
        <Text size="xs" fw={600}>
          {t("draft.title")}
        </Text>
      </Group>
      {may("agent") ? (
        <>
          <Textarea
            aria-label={t("draft.label")} autosize minRows={2} maxRows={12} dir="auto" maxLength={4_096} miw="min(26rem, 100%)"
            value={text} onChange={(event) => setText(event.currentTarget.value)}
          />
          <Group gap={6} mt={6} justify="flex-end">
            <Button size="compact-sm" variant="default" disabled={busy} onClick={() => void discard()}>
              {t("draft.discard")}
            </Button>
            <Button size="compact-sm" loading={busy} disabled={text.trim() === ""} onClick={() => void send()}>
              {t("draft.send")}
            </Button>
          </Group>
        </>
      ) : (
        <div className={classes.words} dir="auto">
          {message.text}
        </div>
      )}
    </li>
  );
}
