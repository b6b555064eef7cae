// One message: its words, its file, how far it is, and what can be done where it did not go.

import { Anchor, Badge, Button, Group, Text, VisuallyHidden } from "@mantine/core";
import { IconLock, IconRobot, IconSpeakerphone } from "@tabler/icons-react";
import { useState } from "react";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { useConfirm } from "@/ui/confirm";
import { Moment } from "@/ui/Moment";
import { MessageFile } from "./MessageFile";
import { nameOf, Standing, useReason, type Message, type OpenConversation } from "./words";
import classes from "./Inbox.module.css";

interface Props {
  message: Message;
  conversation: OpenConversation;
  /** The message that it answers, where that is shown. */
  answered: Message | undefined;
}

export function Bubble({ message, conversation, answered }: Props) {
  const t = useT("inbox");
  const { direction } = message;
  return (
    <li className={classes.bubble} data-direction={direction} data-state={message.state} data-message={message.id}>
      <By message={message} conversation={conversation} />
      {answered && (
        <Text size="xs" c="dimmed" lineClamp={2} ps="xs" style={{ borderInlineStart: "3px solid var(--tl-line)" }} dir="auto">
          {answered.text || t(`kind.${answered.kind}`)}
        </Text>
      )}
      {message.file && <MessageFile message={message} file={message.file} />}
      <Place message={message} />
      {message.text ? (
        <div className={classes.words} dir="auto">
          {message.text}
        </div>
      ) : (
        !message.file && <Text c="dimmed" size="sm">{t(`kind.${message.kind}`)}</Text>
      )}
      <Choices message={message} />
      <div className={classes.foot}>
        <Moment at={message.at} how="clock" />
        {direction === "out" && <Standing message={message} />}
      </div>
      <Fate message={message} />
    </li>
  );
}

/** Whose it is, where that is not plain: the agent's, a broadcast's, a colleague's note. */
function By({ message, conversation }: Pick<Props, "message" | "conversation">) {
  const t = useT("inbox");
  const { me } = useSession();
  if (message.direction === "in") {
    return <VisuallyHidden>{t("by.them", { name: nameOf(conversation) })}</VisuallyHidden>;
  }
  if (message.direction === "note") {
    return (
      <Group gap={4}>
        <IconLock size={13} aria-hidden />
        <Text size="xs" fw={600}>
          {t("by.note")} <bdi>{message.author}</bdi>
        </Text>
      </Group>
    );
  }
  if (message.source === "person") {
    return message.author === me.email ? null : (
      <Text size="xs" fw={600}>
        <bdi>{message.author}</bdi>
      </Text>
    );
  }
  const Sign = message.source === "agent" ? IconRobot : IconSpeakerphone;
  return (
    <Group gap={4}>
      <Sign size={13} aria-hidden />
      <Text size="xs" fw={600}>
        {t(`by.${message.source ?? "system"}`)}
      </Text>
    </Group>
  );
}

function Place({ message }: { message: Message }) {
  const t = useT("inbox");
  const place = message.content.location;
  if (!Array.isArray(place) || place.length !== 2) return null;
  const [latitude, longitude] = place.map(Number);
  return (
    <Anchor
      href={`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`}
      target="_blank"
      rel="noreferrer"
      underline="always"
      display="block"
    >
      {t("place")}
    </Anchor>
  );
}

/** The buttons under a message of ours. */
function Choices({ message }: { message: Message }) {
  const choices = message.content.choices;
  if (!Array.isArray(choices)) return null;
  return (
    <Group gap={4} mt={4}>
      {(choices as { key: string; title: string }[]).map((choice) => (
        <Badge key={choice.key} variant="outline" tt="none">
          <bdi>{choice.title}</bdi>
        </Badge>
      ))}
    </Group>
  );
}

/** What became of one that did not simply go, and what to do. */
function Fate({ message }: { message: Message }) {
  const t = useT("inbox");
  const act = useAct();
  const confirm = useConfirm();
  const reasonOf = useReason();
  const { may } = useSession();
  const [busy, setBusy] = useState(false);
  const params = { path: { conversation_id: message.conversation_id, message_id: message.id } };
  if (message.direction !== "out") return null;
  const isUncertain = message.state === "uncertain";
  const does = async (deed: () => Promise<unknown>, done: string) => {
    setBusy(true);
    await act(deed, done);
    setBusy(false);
  };
  const again = async () => {
    if (isUncertain) {
      const sure = await confirm({ title: t("again.title"), body: t("again.body"), confirm: t("again.confirm") });
      if (!sure) return;
    }
    const body = { confirmed: isUncertain };
    await does(
      () => client.POST("/api/conversations/{conversation_id}/messages/{message_id}/again", { params, body }),
      t("again.done"),
    );
  };
  const takeBack = () =>
    does(() => client.POST("/api/conversations/{conversation_id}/messages/{message_id}/take-back", { params }), t("take_back.done"));
  if (message.state === "queued") {
    return (
      <Group gap={6} justify="flex-end" mt={4}>
        {message.tries > 0 && (
          <Text size="xs">
            {t("waits", { reason: reasonOf(message.reason) })} <Moment at={message.due_at} how="ago" />
          </Text>
        )}
        {may("agent") && (
          <Button size="compact-xs" variant="default" loading={busy} onClick={() => void takeBack()}>
            {t("take_back.button")}
          </Button>
        )}
      </Group>
    );
  }
  if (message.state !== "failed" && !isUncertain) return null;
  return (
    <Group gap={6} justify="space-between" mt={4}>
      <Text size="xs" role="status" style={{ flex: "1 1 12rem" }}>
        {isUncertain ? t("message.about.uncertain") : reasonOf(message.reason)}
        {!isUncertain && (message.detail ?? message.code) && (
          <Text span inherit display="block" dir="ltr" lang="en">
            {[message.code, message.detail].filter(Boolean).join(" · ")}
          </Text>
        )}
      </Text>
      {may("agent") && (
        <Button size="compact-xs" variant="default" loading={busy} onClick={() => void again()}>
          {t("again.button")}
        </Button>
      )}
    </Group>
  );
}
