// The file of a message: pictures are shown, sound and film can be played, all else can be saved.

import { Anchor, Group, Text } from "@mantine/core";
import { IconFile, IconFileAlert, IconFileDownload } from "@tabler/icons-react";
import { addressed, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import type { Message } from "./words";
import classes from "./Inbox.module.css";

const KB = 1024;

export function MessageFile({ message, file }: { message: Message; file: Schema<"FileOut"> }) {
  const t = useT("inbox");
  const numbers = useNumbers();
  const address = addressed(`/api/conversations/${message.conversation_id}/messages/${message.id}/file`);
  if (file.state === "waiting") {
    return (
      <Group gap={6}>
        <IconFileDownload size={16} aria-hidden />
        <Text size="sm">{t("file.waiting")}</Text>
      </Group>
    );
  }
  if (file.state !== "kept") {
    return (
      <Group gap={6} wrap="nowrap">
        <IconFileAlert size={16} aria-hidden />
        <Text size="sm">{t(file.reason === "too_large" ? "file.too_large" : "file.gone")}</Text>
      </Group>
    );
  }
  const kind = file.content_type.split("/")[0];
  const name = file.name || t(`kind.${message.kind}`);
  if (file.is_shown && kind === "image") {
    return (
      <a href={address} target="_blank" rel="noreferrer" aria-label={t("file.open", { name })}>
        <img className={classes.picture} src={address} alt={message.text || name} loading="lazy" />
      </a>
    );
  }
  // What people send has no captions; their words stand below it.
  if (file.is_shown && kind === "audio") return <audio controls preload="none" src={address} aria-label={name} className={classes.film} />;
  if (file.is_shown && kind === "video") {
    return <video controls preload="metadata" src={address} aria-label={name} className={classes.film} />;
  }
  return (
    <Group gap={6} wrap="nowrap">
      <IconFile size={18} aria-hidden />
      <Anchor href={address} download={name} underline="always">
        <bdi>{name}</bdi>
      </Anchor>
      {file.size !== null && (
        <Text size="xs" className={classes.whole}>
          {t("file.size", { n: numbers.whole(Math.max(1, Math.round(file.size / KB))) })}
        </Text>
      )}
    </Group>
  );
}
