// Where one writes: words, a file, a template, a private note. Free words only while the day's window is open.

import {
  ActionIcon, Alert, Button, Combobox, FileButton, Group, Modal, SegmentedControl, Text, Textarea, Tooltip, useCombobox,
} from "@mantine/core";
import { useDisclosure, useInterval, useMediaQuery } from "@mantine/hooks";
import { IconClockOff, IconPaperclip, IconPlugOff, IconSend, IconTemplate } from "@tabler/icons-react";
import { useEffect, useState, type KeyboardEvent } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { upload } from "@/lib/upload";
import { useTime } from "@/lib/time";
import { useAct } from "@/ui/act";
import { TextLink } from "@/ui/LinkTo";
import { useKeyFor } from "./key";
import { TemplateForm } from "./TemplateForm";
import type { OpenConversation } from "./words";
import classes from "./Inbox.module.css";

const NOW_EVERY_MS = 20_000;
const SHOWN_REPLIES = 8;
const SOON_MS = 3_600_000 * 3;

/** The present, as it goes by. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  const { start, stop } = useInterval(() => setNow(Date.now()), NOW_EVERY_MS);
  useEffect(() => {
    start();
    return stop;
  }, [start, stop]);
  return now;
}

export function Composer({ conversation }: { conversation: OpenConversation }) {
  const t = useT("inbox");
  const now = useNow();
  const [what, setWhat] = useState("answer");
  const [choosing, { open, close }] = useDisclosure();
  const accounts = api.useQuery("get", "/api/chat-accounts");
  const account = accounts.data?.find(({ id }) => id === conversation.chat_account_id);
  const until = conversation.window_until;
  const isShut = until !== null && Date.parse(until) <= now;
  const isNote = what === "note";
  return (
    <div className={classes.composer} data-note={isNote || undefined}>
      <Group justify="space-between" gap="xs" mb={6}>
        <SegmentedControl
          size="xs"
          aria-label={t("compose.what")}
          value={what}
          onChange={setWhat}
          data={[
            { value: "answer", label: t("compose.answer") },
            { value: "note", label: t("compose.note") },
          ]}
        />
        {!isNote && until !== null && !isShut && <Until until={until} now={now} />}
      </Group>
      {isNote && <Words key="note" conversation={conversation} isNote templates={null} />}
      {!isNote && account?.state === "disconnected" && (
        <Alert color="red" icon={<IconPlugOff size={20} />} role="status">
          {t("compose.disconnected", { name: account.name })}{" "}
          <TextLink to="/settings/messaging">{t("compose.to_settings")}</TextLink>
        </Alert>
      )}
      {!isNote && account?.state !== "disconnected" && isShut && (
        <Alert color="yellow" icon={<IconClockOff size={20} />} title={t("window.shut")} role="status" data-window="shut">
          <Group justify="space-between">
            <Text size="sm" maw="32rem">
              {t("window.shut_about")}
            </Text>
            <Button size="xs" leftSection={<IconTemplate size={15} />} onClick={open}>
              {t("template.choose")}
            </Button>
          </Group>
        </Alert>
      )}
      {!isNote && account?.state !== "disconnected" && !isShut && (
        <Words key="answer" conversation={conversation} isNote={false} templates={until === null ? null : open} />
      )}
      <Modal opened={choosing} onClose={close} title={t("template.title")} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
        <SendTemplate conversation={conversation} close={close} />
      </Modal>
    </div>
  );
}

/** For how long free words may still go. */
function Until({ until, now }: { until: string; now: number }) {
  const t = useT("inbox");
  const time = useTime();
  const isSoon = Date.parse(until) - now < SOON_MS;
  return (
    <Text size="xs" c={isSoon ? "yellow" : "dimmed"} fw={isSoon ? 600 : undefined} data-window="open">
      {t("window.open", { ago: time.ago(until, now), when: time.short(until) })}
    </Text>
  );
}

interface WordsProps {
  conversation: OpenConversation;
  isNote: boolean;
  /** What opens the choice of templates; null where there are none. */
  templates: (() => void) | null;
}

function Words({ conversation, isNote, templates }: WordsProps) {
  const t = useT("inbox");
  const act = useAct();
  const { keyFor, forget } = useKeyFor();
  const [text, setText] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [busy, setBusy] = useState(false);
  const isTouched = useMediaQuery("(pointer: coarse)");
  const replies = api.useQuery("get", "/api/canned-replies", {}, { enabled: !isNote });
  const combobox = useCombobox();
  const typed = /^\/(\S*)$/.exec(text)?.[1]?.toLocaleLowerCase();
  const offered =
    isNote || typed === undefined
      ? []
      : (replies.data ?? []).filter(({ shortcut }) => shortcut.toLocaleLowerCase().startsWith(typed)).slice(0, SHOWN_REPLIES);
  const isOffering = offered.length > 0;
  const { openDropdown, closeDropdown, selectFirstOption } = combobox;
  const first = offered[0]?.id;
  useEffect(() => {
    if (!isOffering) return closeDropdown();
    openDropdown();
    selectFirstOption();
    return undefined;
  }, [isOffering, first, openDropdown, closeDropdown, selectFirstOption]);

  const params = { path: { conversation_id: conversation.id } };
  const deed = async () => {
    const words = text.trim();
    const key = keyFor(JSON.stringify([isNote, words, file && [file.name, file.size, file.lastModified]]));
    if (isNote) return client.POST("/api/conversations/{conversation_id}/notes", { params, body: { key, text: words } });
    if (file) {
      const form = new FormData();
      form.append("file", file);
      form.append("key", key);
      form.append("caption", words);
      return upload(`/api/conversations/${conversation.id}/files`, form, () => undefined);
    }
    return client.POST("/api/conversations/{conversation_id}/messages", {
      params,
      body: { key, text: words } as Schema<"ChatMessageIn">,
    });
  };
  const isEmpty = text.trim() === "" && !file;
  const send = async () => {
    if (busy || isEmpty) return;
    setBusy(true);
    if (await act(deed)) {
      forget();
      setText("");
      setFile(null);
    }
    setBusy(false);
  };
  const press = (event: KeyboardEvent) => {
    // With a finger there is no Shift: there the key makes a line, and the button sends.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing || isOffering || isTouched) return;
    event.preventDefault();
    void send();
  };
  const label = t(isNote ? "compose.note_label" : "compose.label");
  return (
    <>
      {file && (
        <Group gap={6} mb={6}>
          <IconPaperclip size={15} aria-hidden />
          <Text size="sm">
            <bdi>{file.name}</bdi>
          </Text>
          <Button size="compact-xs" variant="subtle" color="gray" onClick={() => setFile(null)}>
            {t("file.remove")}
          </Button>
        </Group>
      )}
      <Group gap={6} align="flex-end" wrap="nowrap">
        <Combobox
          store={combobox}
          position="top-start"
          onOptionSubmit={(id) => setText(offered.find((one) => one.id === id)?.text ?? text)}
        >
          <Combobox.EventsTarget withExpandedAttribute={false} withAriaAttributes={isOffering}>
            <Textarea
              aria-label={label}
              placeholder={t(isNote ? "compose.note_hint" : isTouched ? "compose.hint_touch" : "compose.hint")}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              onKeyDown={press}
              autosize
              minRows={1}
              maxRows={8}
              dir="auto"
              style={{ flex: 1 }}
              maxLength={4_096}
            />
          </Combobox.EventsTarget>
          <Combobox.Dropdown hidden={!isOffering}>
            <Combobox.Options aria-label={t("replies.title")}>
              {offered.map((reply) => (
                <Combobox.Option key={reply.id} value={reply.id}>
                  <Text span fw={600} size="sm">
                    <bdi>{`/${reply.shortcut}`}</bdi>
                  </Text>
                  <Text size="xs" c="dimmed" lineClamp={1} dir="auto">
                    {reply.text}
                  </Text>
                </Combobox.Option>
              ))}
            </Combobox.Options>
          </Combobox.Dropdown>
        </Combobox>
        {!isNote && (
          <FileButton onChange={setFile} inputProps={{ "aria-label": t("file.choose") }}>
            {(props) => (
              <Tooltip label={t("file.attach")}>
                <ActionIcon {...props} variant="subtle" color="gray" size={36} aria-label={t("file.attach")}>
                  <IconPaperclip size={20} />
                </ActionIcon>
              </Tooltip>
            )}
          </FileButton>
        )}
        {templates && (
          <Tooltip label={t("template.choose")}>
            <ActionIcon variant="subtle" color="gray" size={36} aria-label={t("template.choose")} onClick={templates}>
              <IconTemplate size={20} />
            </ActionIcon>
          </Tooltip>
        )}
        <Tooltip label={t(isNote ? "compose.keep" : "compose.send")}>
          <ActionIcon size={36} loading={busy} disabled={isEmpty} aria-label={t(isNote ? "compose.keep" : "compose.send")} onClick={() => void send()}>
            <IconSend size={19} className="points" />
          </ActionIcon>
        </Tooltip>
      </Group>
    </>
  );
}

function SendTemplate({ conversation, close }: { conversation: OpenConversation; close: () => void }) {
  const t = useT("inbox");
  const act = useAct();
  const { keyFor } = useKeyFor();
  const send = async (template: Schema<"FilledTemplate">) => {
    const body = { key: keyFor(JSON.stringify(template)), template } as Schema<"ChatMessageIn">;
    const params = { path: { conversation_id: conversation.id } };
    if (await act(() => client.POST("/api/conversations/{conversation_id}/messages", { params, body }))) close();
  };
  return <TemplateForm accountId={conversation.chat_account_id} button={t("template.send")} send={send} />;
}
