// All that has happened with a lead, newest first, and the notes that people write into it.

import { ActionIcon, Button, Group, Stack, Text, Textarea, ThemeIcon } from "@mantine/core";
import {
  IconArrowMerge, IconCalendarEvent, IconCircleCheck, IconEdit, IconMessageCircle, IconMessageForward, IconNote, IconPencil,
  IconPhoneIncoming, IconPhoneOff, IconPhoneOutgoing, IconSparkles, IconStatusChange, IconTrash, type Icon,
} from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactNode } from "react";
import { useBecause } from "@/features/calling/because";
import { AttachFile, NoteFiles } from "@/features/leadflow/NoteFiles";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { usePeople } from "@/lib/people";
import { useSession } from "@/lib/session";
import { lengthOf, useTime } from "@/lib/time";
import { Actor } from "@/ui/Actor";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { Panel } from "@/ui/Panel";
import classes from "./Timeline.module.css";
import { useOwnNames } from "./useOwn";
import { ConsentBadge, Phone, SourceName, type Lead } from "./words";

type Entry = Schema<"TimelineEntryOut">;

const A_PAGE = 30;
const ICONS: Record<string, Icon> = {
  created: IconSparkles,
  edited: IconEdit,
  merged: IconArrowMerge,
  status: IconStatusChange,
  consent: IconCircleCheck,
  note: IconNote,
  call: IconPhoneOutgoing,
  appointment: IconCalendarEvent,
  suppressed: IconPhoneOff,
  chat: IconMessageCircle,
  message: IconMessageForward,
};
const DISPOSITIONS = [
  "booked", "callback_requested", "declined", "opted_out", "no_response", "not_understood", "voicemail", "answered", "busy",
  "no_answer", "failed", "cancelled", "cut_off", "our_fault", "no_conversation", "rejected_capacity", "refused", "suppressed",
  "transferred", "unknown",
];

export function Timeline({ lead }: { lead: Lead }) {
  const t = useT("leads");
  const { may } = useSession();
  const told = api.useInfiniteQuery(
    "get",
    "/api/leads/{lead_id}/timeline",
    { params: { path: { lead_id: lead.id }, query: { limit: A_PAGE } } },
    {
      pageParamName: "cursor",
      // Undefined would be asked for as 0.
      initialPageParam: null,
      getNextPageParam: (last: Schema<"TimelineOut">) => last.next_cursor ?? undefined,
    },
  );
  return (
    <Panel title={t("timeline.title")}>
      <Stack gap="md">
        {may("agent") && <NewNote lead={lead} />}
        <Answer of={told}>
          {({ pages }) => (
            <ol className={classes.line}>
              {pages
                .flatMap((page) => page.entries)
                .map((entry) => (
                  <Line key={`${entry.kind} ${entry.at} ${String(entry.data.id)}`} entry={entry} lead={lead} />
                ))}
            </ol>
          )}
        </Answer>
        {told.hasNextPage && (
          <Button variant="default" size="xs" loading={told.isFetchingNextPage} onClick={() => void told.fetchNextPage()}>
            {t("timeline.older")}
          </Button>
        )}
      </Stack>
    </Panel>
  );
}

function Line({ entry, lead }: { entry: Entry; lead: Lead }) {
  const inbound = entry.kind === "call" && entry.data.direction === "inbound";
  const Shown = inbound ? IconPhoneIncoming : (ICONS[entry.kind] ?? IconNote);
  return (
    <li className={classes.entry} data-kind={entry.kind}>
      <ThemeIcon size={28} radius="xl" variant="light" color={entry.kind === "suppressed" ? "red" : undefined} aria-hidden>
        <Shown size={16} stroke={1.7} />
      </ThemeIcon>
      <div className={classes.what}>
        <Group justify="space-between" gap="xs" wrap="nowrap" align="flex-start">
          <div className={classes.words}>
            <What entry={entry} lead={lead} />
          </div>
          <Text size="xs" c="dimmed" className={classes.when}>
            <Moment at={entry.at} />
          </Text>
        </Group>
        {entry.actor && (
          <Text size="xs" c="dimmed">
            <Actor actor={entry.actor} />
          </Text>
        )}
      </div>
    </li>
  );
}

function What({ entry, lead }: { entry: Entry; lead: Lead }): ReactNode {
  const t = useT("leads");
  const because = useBecause();
  const time = useTime();
  const own = useOwnNames();
  const named = (name: string) => own(name) ?? t(`field.${name}`);
  const data = entry.data as Record<string, string | number | null | string[] | undefined>;
  switch (entry.kind) {
    case "created":
      return (
        <Text size="sm">
          {t("timeline.created")} <SourceName source={String(data.source)} />
        </Text>
      );
    case "edited":
      return <Text size="sm">{t("timeline.edited", { fields: fieldNames(data.fields, named) })}</Text>;
    case "merged":
      return <Merged data={entry.data} named={named} />;
    case "status":
      return (
        <Text size="sm">
          {t("timeline.status")} <bdi>{data.before_name}</bdi> <span aria-hidden>{"→"}</span>{" "}
          <b>
            <bdi>{data.status_name}</bdi>
          </b>
          <Cause cause={String(data.cause)} source={data.source_id} />
        </Text>
      );
    case "consent":
      return (
        <Group gap={6}>
          <Text size="sm">{t("timeline.consent")}</Text>
          <ConsentBadge consent={String(data.consent)} />
        </Group>
      );
    case "call":
      return <Called data={data} />;
    case "appointment":
      return (
        <Text size="sm">
          <TextLink to="/appointments" underline="always" search={{ date: time.dayKey(String(data.starts_at)) }}>
            {t(data.state === "cancelled" ? "timeline.appointment_cancelled" : "timeline.appointment")}{" "}
            <Moment at={String(data.starts_at)} how="dateTime" />
          </TextLink>
          {data.note ? <bdi> · {data.note}</bdi> : null}
        </Text>
      );
    case "chat":
      return (
        <Text size="sm">
          {t(data.closed_at ? "timeline.chat" : "timeline.chat_open")}
          {data.summary ? <bdi> · {data.summary}</bdi> : null}
        </Text>
      );
    case "message":
      return (
        <Text size="sm" lineClamp={3}>
          {t("timeline.message")} <bdi>{data.text}</bdi>
        </Text>
      );
    case "suppressed":
      return (
        <Text size="sm">
          {t("timeline.suppressed")} <bdi>{because(String(data.reason))}</bdi>
        </Text>
      );
    default:
      return <Note entry={entry} lead={lead} />;
  }
}

/** Why a lead has another status now, where nobody gave it to them by hand. */
function Cause({ cause, source }: { cause: string; source: unknown }) {
  const t = useT("leadflow");
  if (cause === "person") return null;
  const words = t(`cause.${cause}`);
  return (
    <>
      {" · "}
      {(cause === "call" || cause === "tool") && source ? (
        <TextLink to={`/calls/${String(source)}`} underline="always">
          {words}
        </TextLink>
      ) : (
        words
      )}
    </>
  );
}

function Called({ data }: { data: Record<string, unknown> }) {
  const t = useT("leads");
  const outcome = typeof data.disposition === "string" ? data.disposition : null;
  const known = outcome !== null && DISPOSITIONS.includes(outcome);
  return (
    <Text size="sm">
      <TextLink to={`/calls/${String(data.id)}`} underline="always">
        {t(data.direction === "inbound" ? "timeline.call_in" : "timeline.call_out")}
      </TextLink>
      {data.state !== "ended" && ` · ${t("timeline.call_live")}`}
      {outcome && ` · ${known ? t(`disposition.${outcome}`) : outcome}`}
      {typeof data.seconds === "number" && (
        <>
          {" · "}
          <bdi dir="ltr">{lengthOf(data.seconds)}</bdi>
        </>
      )}
    </Text>
  );
}

function fieldNames(fields: unknown, named: (name: string) => string): string {
  const names = Array.isArray(fields) ? (fields as string[]) : [];
  return names.map(named).join(", ");
}

/** Whom the lead took in, and what of either stands no more. */
function Merged({ data, named }: { data: Entry["data"]; named: (name: string) => string }) {
  const t = useT("leads");
  const people = usePeople();
  const left = Object.entries((data.left ?? {}) as Record<string, unknown>);
  const said = (name: string, value: unknown) =>
    name === "owner_id" ? (people.find((person) => person.value === value)?.label ?? t("owner.gone")) : String(value);
  return (
    <div>
      <Text size="sm">
        {t("timeline.merged")} {data.name ? <bdi>{String(data.name)}</bdi> : null} <Phone>{String(data.phone ?? "")}</Phone>
      </Text>
      {left.map(([name, value]) => (
        <Text key={name} size="xs" c="dimmed">
          {t("timeline.merged_left", { field: named(name) })} <bdi>{said(name, value)}</bdi>
        </Text>
      ))}
    </div>
  );
}

function NewNote({ lead }: { lead: Lead }) {
  const t = useT("leads");
  const act = useAct();
  const queries = useQueryClient();
  const [words, setWords] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const params = { path: { lead_id: lead.id } };
    const body = { text: words };
    // What was typed behind it while it was on its way is the beginning of the next one.
    const rest = (now: string) => (now.startsWith(body.text) ? now.slice(body.text.length).trimStart() : now);
    if (await act(() => client.POST("/api/leads/{lead_id}/notes", { params, body }))) setWords(rest);
    setBusy(false);
    await queries.invalidateQueries({ queryKey: ["get", "/api/leads/{lead_id}/timeline"] });
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Textarea
        aria-label={t("note.new")}
        placeholder={t("note.new")}
        autosize
        minRows={1}
        maxRows={8}
        maxLength={10_000}
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
      />
      {words.trim() && (
        <Group justify="flex-end" mt="xs">
          <Button type="submit" size="xs" loading={busy}>
            {t("note.save")}
          </Button>
        </Group>
      )}
    </form>
  );
}

function Note({ entry, lead }: { entry: Entry; lead: Lead }) {
  const t = useT("leads");
  const act = useAct();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const { me, may } = useSession();
  const [words, setWords] = useState<string | null>(null);
  const text = String(entry.data.text);
  const params = { path: { lead_id: lead.id, note_id: String(entry.data.id) } };
  const readAgain = () => queries.invalidateQueries({ queryKey: ["get", "/api/leads/{lead_id}/timeline"] });
  const save = async () => {
    const body = { text: words ?? text };
    if (await act(() => client.PATCH("/api/leads/{lead_id}/notes/{note_id}", { params, body }))) {
      setWords((now) => (now === body.text ? null : now));
    }
    await readAgain();
  };
  const remove = async () => {
    if (!(await confirm({ title: t("note.delete_title"), body: text, confirm: t("note.delete") }))) return;
    await act(() => client.DELETE("/api/leads/{lead_id}/notes/{note_id}", { params }));
    await readAgain();
  };
  if (words !== null) {
    return (
      <Stack gap="xs">
        <Textarea
          aria-label={t("note.edit")}
          autosize
          minRows={2}
          maxRows={10}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
          data-autofocus
        />
        <Group gap="xs">
          <Button size="compact-sm" disabled={!words.trim()} onClick={() => void save()}>
            {t("save")}
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => setWords(null)}>
            {t("cancel")}
          </Button>
        </Group>
      </Stack>
    );
  }
  const isMine = may("agent") && (entry.actor === me.email || may("admin"));
  const files = (entry.data.files ?? []) as Schema<"NoteFileOut">[];
  return (
    <Group gap={4} align="flex-start" wrap="nowrap" justify="space-between">
      <div>
        <Text size="sm" dir="auto" className={classes.note}>
          {text}
        </Text>
        <NoteFiles leadId={lead.id} noteId={String(entry.data.id)} files={files} mayChange={isMine} />
      </div>
      {isMine && (
        <Group gap={0} wrap="nowrap">
          <AttachFile leadId={lead.id} noteId={String(entry.data.id)} />
          <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t("note.edit")} onClick={() => setWords(text)}>
            <IconPencil size={14} />
          </ActionIcon>
          <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t("note.delete")} onClick={() => void remove()}>
            <IconTrash size={14} />
          </ActionIcon>
        </Group>
      )}
    </Group>
  );
}
