// The files on a note: pictures as such, others by name; hung on and taken off by who may change the note.

import { ActionIcon, Anchor, FileButton, Group, Image, Loader, Stack, Text } from "@mantine/core";
import { IconFile, IconPaperclip, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { addressed, client, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { upload } from "@/lib/upload";
import { useAct } from "@/ui/act";
import { useConfirm } from "@/ui/confirm";

type NoteFile = Schema<"NoteFileOut">;

const KB = 1024;

interface Props {
  leadId: string;
  noteId: string;
  files: NoteFile[];
  mayChange: boolean;
}

export function NoteFiles({ leadId, noteId, files, mayChange }: Props) {
  if (files.length === 0) return null;
  return (
    <Stack gap={6} mt={4} component="ul" p={0} mb={0} style={{ listStyle: "none" }}>
      {files.map((file) => (
        <OneFile key={file.id} leadId={leadId} noteId={noteId} file={file} mayChange={mayChange} />
      ))}
    </Stack>
  );
}

function OneFile({ leadId, noteId, file, mayChange }: Omit<Props, "files"> & { file: NoteFile }) {
  const t = useT("leadflow");
  const act = useAct();
  const confirm = useConfirm();
  const numbers = useNumbers();
  const address = addressed(`/api/leads/${leadId}/notes/${noteId}/files/${file.id}`);
  const remove = async () => {
    const sure = await confirm({ title: t("file.remove_title"), body: file.name, confirm: t("file.remove") });
    if (!sure) return;
    const params = { path: { lead_id: leadId, note_id: noteId, file_id: file.id } };
    await act(() => client.DELETE("/api/leads/{lead_id}/notes/{note_id}/files/{file_id}", { params }));
  };
  return (
    <li>
      {file.is_image && <Image src={address} alt={file.name} maw="14rem" mah="9rem" fit="contain" radius="sm" mb={4} w="auto" />}
      <Group gap={6} wrap="nowrap">
        <IconFile size={14} aria-hidden />
        <Anchor href={address} download={file.name} size="sm" underline="always">
          <bdi>{file.name}</bdi>
        </Anchor>
        <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
          {file.size < KB * KB
            ? t("file.size", { n: numbers.whole(Math.max(1, Math.round(file.size / KB))) })
            : t("file.size_mb", { n: numbers.whole(Math.round(file.size / KB / KB)) })}
        </Text>
        {mayChange && (
          <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t("file.remove_of", { name: file.name })} onClick={() => void remove()}>
            <IconTrash size={14} />
          </ActionIcon>
        )}
      </Group>
    </li>
  );
}

/** The clip beside a note: hangs a file on it. */
export function AttachFile({ leadId, noteId }: { leadId: string; noteId: string }) {
  const t = useT("leadflow");
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const send = async (file: File | null) => {
    if (!file) return;
    setBusy(true);
    const form = new FormData();
    form.append("file", file);
    await act(() => upload(`/api/leads/${leadId}/notes/${noteId}/files`, form, () => undefined), t("file.attached"));
    setBusy(false);
  };
  if (busy) return <Loader size={14} aria-label={t("file.sending")} />;
  return (
    <FileButton onChange={(file) => void send(file)} inputProps={{ "aria-label": t("file.choose") }}>
      {(props) => (
        <ActionIcon {...props} size="sm" variant="subtle" color="gray" aria-label={t("file.attach")}>
          <IconPaperclip size={14} />
        </ActionIcon>
      )}
    </FileButton>
  );
}
