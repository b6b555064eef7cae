// The messages of a conversation in their order, with its days and where its sessions end; older ones on demand.

import { Button, Group, Text } from "@mantine/core";
import { Fragment } from "react";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { Answer } from "@/ui/Answer";
import { Moment } from "@/ui/Moment";
import { Bubble } from "./Bubble";
import { Draft } from "./Draft";
import { Findings } from "./Findings";
import type { Message, OpenConversation } from "./words";
import classes from "./Inbox.module.css";

const A_PAGE = 50;
type ChatSession = Schema<"ChatSessionOut">;

export function Messages({ conversation }: { conversation: OpenConversation }) {
  const t = useT("inbox");
  const messages = api.useInfiniteQuery(
    "get",
    "/api/conversations/{conversation_id}/messages",
    { params: { path: { conversation_id: conversation.id }, query: { limit: A_PAGE } } },
    {
      pageParamName: "cursor",
      // Undefined would be asked for as page 0.
      initialPageParam: null as string | null,
      getNextPageParam: (last: Schema<"MessagesOut">) => last.next_cursor ?? undefined,
    },
  );
  return (
    <div className={classes.scroll} tabIndex={0} role="log" aria-label={t("messages")}>
      <div className={classes.messages}>
        <Answer of={messages}>
          {({ pages }) => {
            // A message that moved while pages were asked for one after another stands in two of them.
            const rows = [...new Map(pages.flatMap((page) => page.messages).map((row) => [row.id, row])).values()]
              .filter((row) => !isPutAside(row))
              .reverse();
            const sessions = new Map(pages.flatMap((page) => page.sessions).map((one) => [one.id, one]));
            return (
              <>
                {messages.hasNextPage && (
                  <Group justify="center" mb="sm">
                    <Button variant="default" size="xs" loading={messages.isFetchingNextPage} onClick={() => void messages.fetchNextPage()}>
                      {t("older")}
                    </Button>
                  </Group>
                )}
                {rows.length === 0 && <Text c="dimmed">{t("no_messages")}</Text>}
                <InOrder rows={rows} sessions={sessions} conversation={conversation} />
              </>
            );
          }}
        </Answer>
      </div>
    </div>
  );
}

/** A draft that was used, discarded or written anew says nothing any more. */
const PUT_ASIDE = ["superseded", "discarded", "used"];
const isPutAside = ({ state, source, reason }: Message) =>
  state === "cancelled" && source === "agent" && reason !== null && PUT_ASIDE.includes(reason);

interface InOrderProps {
  rows: Message[];
  sessions: Map<string, ChatSession>;
  conversation: OpenConversation;
}

function InOrder({ rows, sessions, conversation }: InOrderProps) {
  const time = useTime();
  const byProvider = new Map(rows.filter((row) => row.provider_id !== null).map((row) => [row.provider_id, row]));
  const ends = endsOf(rows);
  return (
    <ol>
      {rows.map((row, index) => {
        const before = rows[index - 1];
        const isNewDay = !before || time.dayKey(before.at) !== time.dayKey(row.at);
        const ended = row.session_id !== null && ends.get(row.session_id) === row.id ? sessions.get(row.session_id) : undefined;
        return (
          <Fragment key={row.id}>
            {isNewDay && <li className={classes.day}>{time.day(row.at)}</li>}
            {row.state === "draft" ? (
              <Draft message={row} />
            ) : (
              <Bubble message={row} conversation={conversation} answered={row.reply_to ? byProvider.get(row.reply_to) : undefined} />
            )}
            {ended?.closed_at && <SessionEnd session={ended} />}
          </Fragment>
        );
      })}
    </ol>
  );
}

/** The last message of each session. */
function endsOf(rows: Message[]): Map<string, string> {
  const ends = new Map<string, string>();
  for (const row of rows) if (row.session_id !== null) ends.set(row.session_id, row.id);
  return ends;
}

function SessionEnd({ session }: { session: ChatSession }) {
  const t = useT("inbox");
  return (
    <li className={classes.session} data-session={session.id}>
      <Text size="xs" fw={600}>
        {t(`session.closed.${session.close_reason ?? "silence"}`)} · <Moment at={session.closed_at ?? session.closes_at} />
      </Text>
      {session.summary && (
        <Text size="sm" dir="auto" style={{ whiteSpace: "pre-wrap" }}>
          {session.summary}
        </Text>
      )}
      {(session.analysis_state === "failed" || session.analysis_state === "no_model") && (
        <Text size="xs">{t(`session.analysis.${session.analysis_state}`)}</Text>
      )}
      {(session.analysis_state === "waiting" || session.analysis_state === "done") && <Findings sessionId={session.id} />}
    </li>
  );
}
