// Canned replies: words that people send often, found by typing / and their shortcut.

import { ActionIcon, Button, Group, Modal, Stack, Text, Textarea, TextInput, VisuallyHidden } from "@mantine/core";
import { IconPencil, IconPlus, IconTemplate, IconTrash } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { DataTable, type Column } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";

type Reply = Schema<"CannedReplyOut">;

export default function RepliesPage() {
  const t = useT("inbox");
  const replies = api.useQuery("get", "/api/canned-replies");
  const [edited, edit] = useState<Reply | "new" | null>(null);
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => edit("new")}>
      {t("replies.add")}
    </Button>
  );
  const columns: Column<Reply>[] = [
    { id: "shortcut", header: t("replies.shortcut"), cell: (row) => <bdi>{`/${row.shortcut}`}</bdi>, whole: true },
    {
      id: "text", header: t("replies.text"),
      cell: (row) => (
        <Text size="sm" dir="auto" lineClamp={3} style={{ whiteSpace: "pre-wrap" }}>
          {row.text}
        </Text>
      ),
    },
    { id: "acts", header: <VisuallyHidden>{t("replies.acts")}</VisuallyHidden>, cell: (row) => <Acts row={row} edit={() => edit(row)} />, end: true },
  ];
  return (
    <>
      <PageHeader title={t("replies.title")} about={t("replies.about")} back={{ to: "/inbox", label: t("title") }}>
        {add}
      </PageHeader>
      <Answer of={replies}>
        {(rows) =>
          rows.length === 0 ? (
            <EmptyState icon={IconTemplate} title={t("replies.none.title")} body={t("replies.none.body")}>
              {add}
            </EmptyState>
          ) : (
            <Panel>
              <DataTable label={t("replies.title")} columns={columns} rows={rows} keyOf={(row) => row.id} least="28rem" />
            </Panel>
          )
        }
      </Answer>
      <Modal
        opened={edited !== null}
        onClose={() => edit(null)}
        title={t(edited === "new" ? "replies.add" : "replies.edit")}
        closeButtonProps={{ "aria-label": t("close") }}
      >
        {edited && <ReplyForm reply={edited === "new" ? null : edited} close={() => edit(null)} />}
      </Modal>
    </>
  );
}

function Acts({ row, edit }: { row: Reply; edit: () => void }) {
  const t = useT("inbox");
  const act = useAct();
  const confirm = useConfirm();
  const remove = async () => {
    const sure = await confirm({ title: t("replies.remove_title"), body: row.text, confirm: t("replies.remove") });
    const params = { path: { reply_id: row.id } };
    if (sure) await act(() => client.DELETE("/api/canned-replies/{reply_id}", { params }), t("replies.removed"));
  };
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      <ActionIcon variant="subtle" color="gray" aria-label={t("replies.edit_of", { name: row.shortcut })} onClick={edit}>
        <IconPencil size={16} />
      </ActionIcon>
      <ActionIcon variant="subtle" color="red" aria-label={t("replies.remove_of", { name: row.shortcut })} onClick={() => void remove()}>
        <IconTrash size={16} />
      </ActionIcon>
    </Group>
  );
}

function ReplyForm({ reply, close }: { reply: Reply | null; close: () => void }) {
  const t = useT("inbox");
  const act = useAct();
  const [shortcut, setShortcut] = useState(reply?.shortcut ?? "");
  const [text, setText] = useState(reply?.text ?? "");
  const [busy, setBusy] = useState(false);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const body = { shortcut: shortcut.trim().replace(/^\//, ""), text: text.trim() };
    const done = await act(
      () =>
        reply
          ? client.PUT("/api/canned-replies/{reply_id}", { params: { path: { reply_id: reply.id } }, body })
          : client.POST("/api/canned-replies", { body }),
      t("replies.saved"),
    );
    setBusy(false);
    if (done) close();
  };
  return (
    <form onSubmit={(event) => void save(event)}>
      <Stack>
        <TextInput
          label={t("replies.shortcut")} description={t("replies.shortcut_about")} required withAsterisk={false} maxLength={50} dir="auto"
          pattern="/?[^\s\/]+" value={shortcut} onChange={(event) => setShortcut(event.currentTarget.value)} data-autofocus
        />
        <Textarea
          label={t("replies.text")} required withAsterisk={false} autosize minRows={3} maxLength={4_000} dir="auto" value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t("cancel")}
          </Button>
          <Button type="submit" loading={busy}>
            {t("replies.save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
