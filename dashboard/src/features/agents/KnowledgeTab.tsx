// What an agent knows: texts of its own, and those of all agents.

import { Button, Group, Modal, Progress, Radio, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { IconBook, IconPlus } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { flushSync } from "react-dom";
import type { Agent } from "@/features/agents/draft";
import { api, client, type Schema } from "@/lib/api";
import { hasCode } from "@/lib/errors";
import { useNumbers, useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorNote } from "@/ui/ErrorNote";
import { Moment } from "@/ui/Moment";
import { Notice } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { StatusBadge } from "@/ui/StatusBadge";

type Row = Schema<"KnowledgeRow">;

const LONGEST_TEXT = 20_000;

export default function KnowledgeTab({ agent }: { agent: Agent }) {
  const t = useT("agents");
  const { may } = useSession();
  const [open, setOpen] = useState<string | null>(null);
  const known = api.useQuery("get", "/api/knowledge", { params: { query: { agent_id: agent.id } } });
  const add = may("admin") && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setOpen("new")}>
      {t("knowledge.add")}
    </Button>
  );
  return (
    <Stack gap="md">
      {agent.brain === "scripted" && <Notice>{t("knowledge.scripted")}</Notice>}
      <Answer of={known}>
        {({ texts, told_at_most: most }) =>
          texts.length === 0 ? (
            <EmptyState icon={IconBook} title={t("knowledge.none.title")} body={t("knowledge.none.body")}>
              {add}
            </EmptyState>
          ) : (
            <Panel title={t("tab.knowledge")} about={t("knowledge.about")} actions={add}>
              <Room texts={texts} most={most} />
              <Texts rows={texts} open={setOpen} />
            </Panel>
          )
        }
      </Answer>
      <Modal
        opened={open !== null}
        onClose={() => setOpen(null)}
        size="xl"
        title={t(open === "new" ? "knowledge.add" : "knowledge.change")}
        closeButtonProps={{ "aria-label": t("close") }}
      >
        {open === "new" && <TextForm agent={agent} close={() => setOpen(null)} />}
        {open !== null && open !== "new" && <Existing agent={agent} textId={open} close={() => setOpen(null)} />}
      </Modal>
    </Stack>
  );
}

/** How much of it all an agent is told. */
function Room({ texts, most }: { texts: Row[]; most: number }) {
  const t = useT("agents");
  const numbers = useNumbers();
  const all = texts.reduce((sum, text) => sum + text.characters, 0);
  const told = texts.reduce((sum, text) => sum + (text.told ?? 0), 0);
  const words = t("knowledge.room", { told: numbers.whole(told), all: numbers.whole(all), most: numbers.whole(most) });
  return (
    <Stack gap={4} mb="md">
      <Progress value={Math.min(100, (100 * all) / most)} color={told < all ? "yellow" : "trunk"} aria-label={words} />
      <Text size="sm" c="dimmed">
        {words}
      </Text>
    </Stack>
  );
}

function Texts({ rows, open }: { rows: Row[]; open: (id: string) => void }) {
  const t = useT("agents");
  const numbers = useNumbers();
  return (
    <DataTable
      label={t("tab.knowledge")}
      rows={rows}
      keyOf={(row) => row.id}
      columns={[
        {
          id: "title",
          header: t("knowledge.title"),
          cell: (row) => (
            <Button variant="transparent" size="compact-sm" p={0} onClick={() => open(row.id)}>
              <bdi>{row.title}</bdi>
            </Button>
          ),
        },
        { id: "whose", header: t("knowledge.whose"), cell: (row) => t(row.agent_id ? "knowledge.mine" : "knowledge.everybody") },
        {
          id: "told",
          header: t("knowledge.told"),
          cell: (row) =>
            row.told === row.characters ? (
              <StatusBadge tone="good">{t("knowledge.whole")}</StatusBadge>
            ) : row.told ? (
              <StatusBadge tone="wait">{t("knowledge.part", { share: numbers.share(row.told / row.characters) })}</StatusBadge>
            ) : (
              <StatusBadge tone="bad">{t("knowledge.nothing")}</StatusBadge>
            ),
        },
        { id: "length", header: t("knowledge.length"), end: true, cell: (row) => numbers.whole(row.characters) },
        {
          id: "saved",
          header: t("field.saved"),
          wide: true,
          cell: (row) => (
            <>
              <Moment at={row.saved_at} how="ago" /> · <bdi>{row.saved_by}</bdi>
            </>
          ),
        },
      ]}
    />
  );
}

function Existing({ agent, textId, close }: { agent: Agent; textId: string; close: () => void }) {
  const known = api.useQuery("get", "/api/knowledge/{text_id}", { params: { path: { text_id: textId } } }, { gcTime: 0 });
  return <Answer of={known}>{(text) => <TextForm agent={agent} text={text} close={close} />}</Answer>;
}

function TextForm({ agent, text, close }: { agent: Agent; text?: Schema<"KnowledgeOut">; close: () => void }) {
  const t = useT("agents");
  const { may } = useSession();
  const act = useAct();
  const confirm = useConfirm();
  // As it was when it was opened: who saved meanwhile is not overwritten.
  const [base] = useState(text);
  const [title, setTitle] = useState(text?.title ?? "");
  const [body, setBody] = useState(text?.text ?? "");
  const [whose, setWhose] = useState(text && text.agent_id === null ? "everybody" : "mine");
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const content = { title, text: body, agent_id: whose === "mine" ? agent.id : null };

  async function save(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setFault(null);
    const saved = await act(async () => {
      try {
        if (!base) await client.POST("/api/knowledge", { body: content });
        else {
          const params = { path: { text_id: base.id } };
          await client.PATCH("/api/knowledge/{text_id}", { params, body: { ...content, version: base.version } });
        }
      } catch (error) {
        if (hasCode(error, "outdated")) setFault(error);
        throw error;
      }
    }, t("knowledge.saved"));
    setBusy(false);
    if (saved) close();
  }
  async function remove() {
    if (!base) return;
    const asked = { title: t("knowledge.remove.title", { title }), body: t("knowledge.remove.body"), confirm: t("knowledge.remove.do") };
    if (!(await confirm(asked))) return;
    const params = { path: { text_id: base.id } };
    await act(async () => {
      await client.DELETE("/api/knowledge/{text_id}", { params });
      // Before all that is shown is asked for again: this text would not be found.
      flushSync(close);
    }, t("knowledge.removed"));
  }
  return (
    <form onSubmit={(event) => void save(event)}>
      <Stack gap="sm">
        {fault !== null && <ErrorNote error={fault} />}
        <TextInput
          label={t("knowledge.title")}
          required
          maxLength={200}
          data-autofocus
          dir="auto"
          readOnly={!may("admin")}
          value={title}
          onChange={(event) => setTitle(event.currentTarget.value)}
        />
        <Textarea
          label={t("knowledge.text")}
          description={t("knowledge.text_about")}
          required
          autosize
          minRows={10}
          maxRows={24}
          maxLength={LONGEST_TEXT}
          dir="auto"
          readOnly={!may("admin")}
          value={body}
          onChange={(event) => setBody(event.currentTarget.value)}
        />
        <Radio.Group label={t("knowledge.whose")} value={whose} onChange={setWhose}>
          <Group mt={4}>
            <Radio value="mine" label={t("knowledge.mine")} disabled={!may("admin")} />
            <Radio value="everybody" label={t("knowledge.everybody")} disabled={!may("admin")} />
          </Group>
        </Radio.Group>
        {may("admin") && (
          <Group justify="space-between">
            <Button type="submit" loading={busy}>
              {t("save")}
            </Button>
            {base && (
              <Button variant="subtle" color="red" onClick={() => void remove()}>
                {t("knowledge.remove.do")}
              </Button>
            )}
          </Group>
        )}
      </Stack>
    </form>
  );
}
