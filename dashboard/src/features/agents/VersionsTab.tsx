// Every save of an agent: who, when, why, what differs, and back to it.

import { Button, Group, Select, Stack, Text } from "@mantine/core";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { Differences } from "@/features/agents/Differences";
import type { Agent } from "@/features/agents/draft";
import { useFilters } from "@/lib/address";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { DataTable } from "@/ui/DataTable";
import { Moment } from "@/ui/Moment";
import { Pager, usePages } from "@/ui/Pager";
import { Panel } from "@/ui/Panel";

interface Props {
  agent: Agent;
  mayWrite: boolean;
  unsaved: boolean;
}

export default function VersionsTab(props: Props) {
  const { agent } = props;
  const t = useT("agents");
  const pages = usePages(agent.id);
  const [{ version }, setFilters] = useFilters({ version: "" });
  const versions = api.useQuery(
    "get",
    "/api/agents/{agent_id}/versions",
    { params: { path: { agent_id: agent.id }, query: { cursor: pages.cursor } } },
    { placeholderData: keepPreviousData },
  );
  return (
    <Stack gap="md">
      <Panel title={t("tab.versions")} about={t("versions.about")}>
        <Answer of={versions}>
          {({ versions: rows, next_cursor: following }) => (
            <>
              <VersionTable rows={rows} agent={agent} show={(number) => setFilters({ version: String(number) })} />
              <Pager pages={pages} following={following} busy={versions.isPlaceholderData} />
            </>
          )}
        </Answer>
      </Panel>
      {version && <OneVersion key={version} number={Number(version)} {...props} />}
    </Stack>
  );
}

function VersionTable({ rows, agent, show }: { rows: Schema<"VersionRow">[]; agent: Agent; show: (number: number) => void }) {
  const t = useT("agents");
  return (
    <DataTable
      label={t("tab.versions")}
      rows={rows}
      keyOf={(row) => String(row.number)}
      columns={[
        {
          id: "number",
          header: t("versions.number"),
          whole: true,
          cell: (row) => (
            <Group gap="xs" wrap="nowrap">
              <Button variant="transparent" size="compact-sm" p={0} onClick={() => show(row.number)}>
                {t("version", { number: row.number })}
              </Button>
              {row.number === agent.version && (
                <Text span size="xs" c="dimmed">
                  {t("versions.current")}
                </Text>
              )}
            </Group>
          ),
        },
        {
          id: "what",
          header: t("versions.what"),
          cell: (row) => (
            <Stack gap={0}>
              <span>
                {row.restored_from !== null
                  ? t("versions.restored", { number: row.restored_from })
                  : row.number === 1
                    ? t("versions.first")
                    : row.changed.map((field) => t(`field.${field}`)).join(", ")}
              </span>
              {row.note && (
                <Text span size="sm" c="dimmed">
                  <bdi>{row.note}</bdi>
                </Text>
              )}
            </Stack>
          ),
        },
        { id: "who", header: t("versions.who"), cell: (row) => <bdi>{row.saved_by}</bdi> },
        { id: "when", header: t("versions.when"), whole: true, cell: (row) => <Moment at={row.saved_at} how="dateTime" /> },
      ]}
    />
  );
}

function OneVersion({ agent, number, mayWrite, unsaved }: Props & { number: number }) {
  const t = useT("agents");
  const act = useAct();
  const confirm = useConfirm();
  const isCurrent = number === agent.version;
  const [against, setAgainst] = useState(isCurrent ? "before" : "current");
  const other = against === "current" && !isCurrent ? agent.version : undefined;
  const found = api.useQuery("get", "/api/agents/{agent_id}/versions/{number}", {
    params: { path: { agent_id: agent.id, number }, query: { against: other } },
  });
  async function restore() {
    const asked = {
      title: t("restore.title", { number }),
      body: unsaved ? t("restore.body_unsaved") : t("restore.body"),
      confirm: t("restore.do"),
      mild: true,
    };
    if (!(await confirm(asked))) return;
    const params = { path: { agent_id: agent.id } };
    const body = { number, version: agent.version, note: "" };
    await act(() => client.POST("/api/agents/{agent_id}/restore", { params, body }), t("restore.done"));
  }
  return (
    <Panel
      title={t("version", { number })}
      actions={
        <>
          <Select
            size="xs"
            aria-label={t("compare.label")}
            allowDeselect={false}
            value={against}
            onChange={(value) => setAgainst(value ?? "before")}
            data={[
              ...(number > 1 ? [{ value: "before", label: t("compare.before") }] : []),
              ...(isCurrent ? [] : [{ value: "current", label: t("compare.current") }]),
            ]}
          />
          {mayWrite && !isCurrent && (
            <Button size="xs" variant="default" onClick={() => void restore()}>
              {t("restore.do")}
            </Button>
          )}
        </>
      }
    >
      <Answer of={found}>
        {/* Against what stands now, "before" is this version and "after" is the newest. */}
        {({ differences, against: compared }) =>
          compared === null ? (
            <Text c="dimmed">{t("versions.first")}</Text>
          ) : (
            <Stack gap="sm">
              <Text size="sm" c="dimmed">
                {other === undefined
                  ? t("compare.reads", { from: compared, to: number })
                  : t("compare.reads", { from: number, to: compared })}
              </Text>
              <Differences found={differences} turned={other !== undefined} />
            </Stack>
          )
        }
      </Answer>
    </Panel>
  );
}
