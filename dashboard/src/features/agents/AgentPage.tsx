import { Alert, Button, Group, List, Menu, Stack, Tabs, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle, IconArchive, IconArchiveOff, IconDots, IconMicrophone, IconUsers } from "@tabler/icons-react";
import { useBlocker } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { useDraft, type Agent, type Draft } from "@/features/agents/draft";
import { FaultList, FaultsProvider } from "@/features/agents/faults";
import { SettingsTab } from "@/features/agents/SettingsTab";
import { leave } from "@/features/agents/talk/line";
import { TalkTab } from "@/features/agents/talk/TalkTab";
import { useWarningWords } from "@/features/agents/words";
import { useFilters, usePath } from "@/lib/address";
import { api, client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { Loading } from "@/ui/Loading";
import { PageHeader } from "@/ui/PageHeader";
import { StatusBadge } from "@/ui/StatusBadge";

const ScriptTab = lazy(() => import("@/features/agents/script/ScriptTab"));
const KnowledgeTab = lazy(() => import("@/features/agents/KnowledgeTab"));
const VersionsTab = lazy(() => import("@/features/agents/VersionsTab"));

export default function AgentPage() {
  const agentId = usePath("agentId");
  const agent = api.useQuery("get", "/api/agents/{agent_id}", { params: { path: { agent_id: agentId } } });
  // A call belongs to the page on which it was begun.
  useEffect(() => leave, [agentId]);
  return <Answer of={agent}>{(data) => <AgentHouse key={data.id} agent={data} />}</Answer>;
}

function AgentHouse({ agent }: { agent: Agent }) {
  const t = useT("agents");
  const { may } = useSession();
  const mayWrite = may("admin") && agent.archived_at === null;
  const draft = useDraft(agent, mayWrite);
  const scripted = draft.content.brain === "scripted";
  const [{ tab }, setFilters] = useFilters({ tab: "settings" });
  const dirty = draft.changed.length > 0;
  useUnsaved(dirty || draft.json !== null);

  return (
    <FaultsProvider value={draft.faults}>
      <PageHeader
        title={agent.name}
        back={{ to: "/agents", label: t("title") }}
        badge={
          agent.archived_at ? (
            <StatusBadge tone="quiet">{t("archived")}</StatusBadge>
          ) : (
            <Text span size="sm" c="dimmed">
              {t("version", { number: agent.version })}
            </Text>
          )
        }
      >
        {tab !== "talk" && (
          <Button
            variant="default"
            leftSection={<IconMicrophone size={16} />}
            onClick={() => setFilters({ tab: "talk" }, { push: true })}
          >
            {t("talk_to")}
          </Button>
        )}
        {may("admin") && <More agent={agent} />}
      </PageHeader>
      <Stack gap="md">
        <Standing agent={agent} draft={draft} />
        <Tabs value={tab} onChange={(next) => setFilters({ tab: next ?? "settings" })} keepMounted={false}>
          <Tabs.List mb="md">
            <Tabs.Tab value="settings">{t("tab.settings")}</Tabs.Tab>
            {scripted && <Tabs.Tab value="script">{t("tab.script")}</Tabs.Tab>}
            <Tabs.Tab value="knowledge">{t("tab.knowledge")}</Tabs.Tab>
            <Tabs.Tab value="versions">{t("tab.versions")}</Tabs.Tab>
            <Tabs.Tab value="talk">{t("tab.talk")}</Tabs.Tab>
          </Tabs.List>
          <Suspense fallback={<Loading />}>
            <Tabs.Panel value="settings">
              <SettingsTab draft={draft} mayWrite={mayWrite} />
            </Tabs.Panel>
            {scripted && (
              <Tabs.Panel value="script">
                <ScriptTab draft={draft} mayWrite={mayWrite} />
              </Tabs.Panel>
            )}
            <Tabs.Panel value="knowledge">
              <KnowledgeTab agent={agent} />
            </Tabs.Panel>
            <Tabs.Panel value="versions">
              <VersionsTab agent={agent} mayWrite={mayWrite} unsaved={dirty} />
            </Tabs.Panel>
            <Tabs.Panel value="talk">
              <TalkTab agent={agent} unsaved={dirty} />
            </Tabs.Panel>
          </Suspense>
        </Tabs>
        {dirty && <SaveBar draft={draft} />}
      </Stack>
    </FaultsProvider>
  );
}

/** What a person should know before anything else: what does not work, and who has saved meanwhile. */
function Standing({ agent, draft }: { agent: Agent; draft: Draft }) {
  const t = useT("agents");
  const words = useWarningWords();
  return (
    <>
      {agent.archived_at && (
        <Alert color="gray" icon={<IconArchive size={20} />}>
          {t("archived_note")}
        </Alert>
      )}
      {draft.newer && (
        <Alert color="yellow" icon={<IconUsers size={20} />} title={t("newer.title")} role="alert">
          <Text size="sm">
            {t("newer.body", { by: draft.newer.saved_by, number: draft.newer.version })}
          </Text>
          <Group gap="xs" mt="xs">
            <Button size="compact-sm" variant="default" onClick={draft.discard}>
              {t("newer.theirs")}
            </Button>
            <Button size="compact-sm" variant="default" onClick={draft.keepMine}>
              {t("newer.mine")}
            </Button>
          </Group>
        </Alert>
      )}
      {draft.warnings.length > 0 && (
        <Alert color="yellow" icon={<IconAlertTriangle size={20} />} title={t("warnings_title")}>
          <List size="sm" spacing={2}>
            {draft.warnings.map((warning) => (
              <List.Item key={`${warning.code} ${warning.names.join(" ")}`}>{words(warning)}</List.Item>
            ))}
          </List>
        </Alert>
      )}
    </>
  );
}

function SaveBar({ draft }: { draft: Draft }) {
  const t = useT("agents");
  const act = useAct();
  const [note, setNote] = useState("");
  const [saving, setSaving] = useState(false);
  const stopped = draft.faults.length > 0 || draft.newer !== null;
  async function save() {
    setSaving(true);
    if (await act(() => draft.save(note), t("saved"))) setNote("");
    setSaving(false);
  }
  return (
    <Alert
      color="trunk"
      pos="sticky"
      bottom={0}
      style={{ zIndex: 5 }}
      role="region"
      aria-label={t("unsaved")}
      bg="var(--tl-panel)"
      variant="outline"
      p="sm"
    >
      {draft.faults.length > 0 && (
        <Stack gap={4} mb="sm">
          <Text size="sm" fw={600} c="red">
            {t("faults", { count: draft.faults.length })}
          </Text>
          <FaultList faults={draft.faults.slice(0, 6)} />
        </Stack>
      )}
      <Group gap="sm">
        <Text size="sm" fw={600}>
          {t("unsaved")}
        </Text>
        <TextInput
          size="sm"
          flex={1}
          miw="12rem"
          maxLength={300}
          aria-label={t("note.label")}
          placeholder={t("note.hint")}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && !stopped && void save()}
        />
        <Button variant="default" onClick={draft.discard}>
          {t("discard")}
        </Button>
        <Button loading={saving} disabled={stopped} onClick={() => void save()}>
          {t("save")}
        </Button>
      </Group>
    </Alert>
  );
}

function More({ agent }: { agent: Agent }) {
  const t = useT("agents");
  const act = useAct();
  const confirm = useConfirm();
  const params = { path: { agent_id: agent.id } };
  async function archive() {
    const asked = { title: t("archive.title", { name: agent.name }), body: t("archive.body"), confirm: t("archive.do"), mild: true };
    if (await confirm(asked)) await act(() => client.POST("/api/agents/{agent_id}/archive", { params }), t("archive.done"));
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" px="xs" aria-label={t("more")}>
          <IconDots size={18} />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {agent.archived_at ? (
          <Menu.Item
            leftSection={<IconArchiveOff size={16} />}
            onClick={() => void act(() => client.POST("/api/agents/{agent_id}/unarchive", { params }), t("unarchive.done"))}
          >
            {t("unarchive.do")}
          </Menu.Item>
        ) : (
          <Menu.Item leftSection={<IconArchive size={16} />} onClick={() => void archive()}>
            {t("archive.do")}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

/** Ask before what has not been saved is left behind. */
function useUnsaved(dirty: boolean): void {
  const t = useT("agents");
  const confirm = useConfirm();
  useBlocker({
    enableBeforeUnload: dirty,
    shouldBlockFn: async ({ current, next }) => {
      if (!dirty || current.pathname === next.pathname) return false;
      return !(await confirm({ title: t("leave.title"), body: t("leave.body"), confirm: t("leave.do") }));
    },
  });
}
