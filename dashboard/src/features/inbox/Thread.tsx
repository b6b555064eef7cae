// One conversation: who it is with, what people should know, its messages, and where one writes.

import { ActionIcon, Alert, Badge, Box, Button, Group, Text, Title, Tooltip } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconCheck, IconChevronLeft, IconHandStop, IconRobot, IconUserCircle, IconUserExclamation } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { isolated } from "@/lib/phones";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Composer } from "./Composer";
import { Messages } from "./Messages";
import { ConversationStateBadge, nameOf, type OpenConversation } from "./words";
import classes from "./Inbox.module.css";

const NARROW = "(max-width: 61.99em)";

interface Props {
  conversation: OpenConversation;
  close: () => void;
  /** Null where the person is shown anyway. */
  showPerson: (() => void) | null;
}

/** Changes a conversation: who has it, its state, its labels, what the agent does. */
export function useEdit(conversation: OpenConversation) {
  const act = useAct();
  return (body: Partial<Schema<"ConversationEdit">>, done?: string) =>
    act(
      () =>
        client.PATCH("/api/conversations/{conversation_id}", {
          params: { path: { conversation_id: conversation.id } },
          body: body as Schema<"ConversationEdit">,
        }),
      done,
    );
}

export function Thread({ conversation, close, showPerson }: Props) {
  const t = useT("inbox");
  const { may } = useSession();
  const edit = useEdit(conversation);
  const isNarrow = useMediaQuery(NARROW, false, { getInitialValueInEffect: false });
  const name = nameOf(conversation);
  const mayWrite = may("agent");
  useSeen(conversation, mayWrite);
  return (
    <section className={classes.thread} aria-label={t("conversation_with", { name })}>
      <div className={classes.top}>
        <ActionIcon variant="subtle" color="gray" className={classes.back} aria-label={t("back")} onClick={close}>
          <IconChevronLeft size={20} className="points" />
        </ActionIcon>
        <div className={classes.title}>
          <Title order={isNarrow ? 1 : 2} dir="auto">
            {isolated(name)}
          </Title>
          <Text size="xs" c="dimmed">
            <bdi dir="ltr">{conversation.address}</bdi>
            <Text span inherit visibleFrom="sm">{` · ${t(`provider.${conversation.provider}`)}`}</Text>
          </Text>
        </div>
        <Box visibleFrom="sm">
          <ConversationStateBadge state={conversation.state} />
        </Box>
        {mayWrite && conversation.state !== "resolved" && (
          <Tooltip label={t("resolve.about")}>
            <Button size="xs" variant="default" leftSection={<IconCheck size={15} />} onClick={() => void edit({ state: "resolved" }, t("resolve.done"))}>
              {t("resolve.button")}
            </Button>
          </Tooltip>
        )}
        {mayWrite && conversation.state === "resolved" && (
          <Button size="xs" variant="default" onClick={() => void edit({ state: "open" })}>
            {t("resolve.open")}
          </Button>
        )}
        {showPerson && (
          <ActionIcon variant="default" size={30} aria-label={t("person.show")} onClick={showPerson}>
            <IconUserCircle size={18} />
          </ActionIcon>
        )}
      </div>
      <Notices conversation={conversation} />
      <Messages conversation={conversation} />
      {mayWrite && <Composer conversation={conversation} />}
    </section>
  );
}

function Notices({ conversation }: { conversation: OpenConversation }) {
  const t = useT("inbox");
  const { me, may } = useSession();
  const edit = useEdit(conversation);
  const mayWrite = may("agent");
  const takeOver = () => void edit({ ai_mode: "off", assignee_id: me.user_id }, t("take_over.done"));
  return (
    <div className={classes.notices}>
      {conversation.needs_person !== null && (
        <Alert color="yellow" icon={<IconUserExclamation size={20} />} title={t("wanted.title")} role="status" data-wanted>
          <Group justify="space-between">
            <Text size="sm" dir="auto">
              {conversation.needs_person}
            </Text>
            {mayWrite && conversation.assignee_id !== me.user_id && (
              <Button size="compact-sm" variant="default" onClick={takeOver}>
                {t("take_over.mine")}
              </Button>
            )}
          </Group>
        </Alert>
      )}
      {conversation.ai_mode === "on" && (
        <Group gap="xs" data-answers>
          <Badge leftSection={<IconRobot size={13} />} size="lg">
            {t("ai.answers_here")}
          </Badge>
          {mayWrite && (
            <Button size="compact-sm" leftSection={<IconHandStop size={15} />} onClick={takeOver}>
              {t("take_over.button")}
            </Button>
          )}
        </Group>
      )}
      {conversation.opted_out && (
        <Alert color="red" role="status">
          {t("opted_out")}
        </Alert>
      )}
    </div>
  );
}

/** What came in is seen once somebody looks at it: while the page is in sight. */
function useSeen({ id, unread, last_at }: OpenConversation, mayWrite: boolean): void {
  const act = useAct();
  const told = useRef("");
  useEffect(() => {
    if (!mayWrite || unread === 0) return undefined;
    const look = () => {
      // Once for what has come, though the answer that says so is still on its way; not where somebody marked it again.
      if (document.hidden || told.current === last_at) return;
      told.current = last_at;
      void act(() => client.POST("/api/conversations/{conversation_id}/read", { params: { path: { conversation_id: id } } }));
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [act, id, unread, last_at, mayWrite]);
}
