// The form of a new run: whom, by which agent, from which numbers, how, and when it begins. Beside it stands
// what would come of it: how many of these people could be called now, later, or not at all.

import {
  Accordion, Alert, Button, Grid, Group, NumberInput, Radio, Select, Stack, Switch, Text, Textarea, TextInput, Box,
  MultiSelect, Table,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent, type ReactNode } from "react";
import { useFilters } from "@/lib/address";
import { api, client, type Schema } from "@/lib/api";
import { hasCode } from "@/lib/errors";
import { useNumbers, useT } from "@/lib/i18n";
import { phoneOptions } from "@/lib/phones";
import { useBusiness, useSession, useZone } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { ErrorNote } from "@/ui/ErrorNote";
import { ButtonLink, TextLink } from "@/ui/LinkTo";
import { useAct } from "@/ui/act";
import { Loading } from "@/ui/Loading";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";
import { instantIn } from "./moment";
import { Outlook } from "./Outlook";
import { PickPeople, type Person } from "./PickPeople";
import { RETRYABLE } from "./words";

const CHOSEN_AT_MOST = 200;
const DIALS_AT_MOST = 10;
type Whom = Schema<"WhomIn">;
type Way = "list" | "chosen" | "filter" | "everybody" | "given";
type Begin = "draft" | "now" | "later";

interface Given {
  lists: Schema<"LeadListOut">[];
  agents: Schema<"AgentRow">[];
  numbers: Schema<"NumberOut">[];
}

export default function NewRunPage() {
  const t = useT("runs");
  const lists = api.useQuery("get", "/api/lead-lists");
  const agents = api.useQuery("get", "/api/agents");
  const numbers = api.useQuery("get", "/api/business/numbers");
  const failed = [lists, agents, numbers].find((one) => one.isError && one.data === undefined);
  return (
    <>
      <PageHeader title={t("new")} about={t("new_about")} back={{ to: "/runs", label: t("title") }} />
      {failed && <ErrorNote error={failed.error} retry={() => void failed.refetch()} />}
      {!failed && lists.data && agents.data && numbers.data && (
        <Needs lists={lists.data} agents={agents.data} numbers={numbers.data} />
      )}
      {!failed && !(lists.data && agents.data && numbers.data) && <Loading />}
    </>
  );
}

/** What must be there before anybody can be called, and where it is made; or the form. */
function Needs(given: Given) {
  const t = useT("runs");
  const { may } = useSession();
  const [{ leads }] = useFilters({ leads: "" });
  const missing: [string, string, string][] = [];
  if (given.agents.length === 0) missing.push([t("needs.agent"), "/agents", t("needs.to_agents")]);
  if (given.numbers.length === 0) missing.push([t("needs.number"), "/settings/numbers", t("needs.to_numbers")]);
  if (given.lists.length === 0 && !leads) missing.push([t("needs.list"), "/lists/import", t("needs.to_import")]);
  const [first] = missing;
  if (first && (given.agents.length === 0 || given.numbers.length === 0)) {
    return (
      <Stack>
        {missing.map(([sentence, to, label]) => (
          <Alert key={to} color="yellow" title={sentence}>
            {/* Whoever may not add numbers has nothing to do there. */}
            {(to !== "/settings/numbers" || may("admin")) && (
              <ButtonLink to={to} size="compact-sm" variant="default">
                {label}
              </ButtonLink>
            )}
          </Alert>
        ))}
      </Stack>
    );
  }
  return <Form {...given} />;
}

function Form({ lists, agents, numbers }: Given) {
  const t = useT("runs");
  const words = useNumbers();
  const act = useAct();
  const navigate = useNavigate();
  const zone = useZone();
  const business = useBusiness();
  const [{ list: listWanted, leads: leadsWanted }] = useFilters({ list: "", leads: "" });
  const usable = lists.filter((list) => list.leads > 0);
  const given = leadsWanted.split(",").filter(Boolean);

  const [way, setWay] = useState<Way>(given.length > 0 ? "given" : usable.length > 0 ? "list" : "chosen");
  const [list, setList] = useState<string | null>(
    usable.find(({ id }) => id === listWanted)?.id ?? usable[0]?.id ?? null,
  );
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState<Person[]>([]);
  const [title, setTitle] = useState<string | null>(null);
  const [agent, setAgent] = useState<string | null>(agents[0]?.id ?? null);
  const [from, setFrom] = useState<string | null>(numbers[0]?.e164 ?? null);
  const [pool, setPool] = useState<string[]>([]);
  const [near, setNear] = useState(false);
  const [lines, setLines] = useState<number | string>(Math.min(3, business.max_outbound_calls));
  const [ramp, setRamp] = useState<number | string>("");
  const [priority, setPriority] = useState<number | string>(0);
  const [attempts, setAttempts] = useState<number | string>(1);
  const [delay, setDelay] = useState<number | string>(30);
  const [rules, setRules] = useState<Record<string, { times: number | string; minutes: number | string }>>({});
  const [detection, setDetection] = useState<Schema<"Detection">>("heard");
  const [action, setAction] = useState<Schema<"OnMachine">>("hang_up");
  const [message, setMessage] = useState("");
  const [begin, setBegin] = useState<Begin>("draft");
  const [at, setAt] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const whom: Whom | null = {
    list: list ? { list_id: list } : null,
    chosen: chosen.length > 0 ? { lead_ids: chosen.map(({ id }) => id) } : null,
    filter: search.trim() ? { filter: { search: search.trim() } } : null,
    everybody: { filter: { everybody: true } },
    given: { lead_ids: given },
  }[way] as Whom | null;
  // A title that nobody has typed is the chosen list's.
  const suggested = way === "list" ? (usable.find(({ id }) => id === list)?.name ?? "") : "";
  const called = title ?? suggested;
  const asked = Math.max(1, ...Object.values(rules).map(({ times }) => Number(times || 0) + 1));
  const most = Math.min(DIALS_AT_MOST, Math.max(Number(attempts || 1), asked));
  const isWhole = whom !== null && called.trim() !== "" && agent !== null && from !== null;

  const make = async (event: FormEvent) => {
    event.preventDefault();
    if (!whom || !agent || !from) return;
    setBusy(true);
    setError(null);
    try {
      const { data: run } = await client.POST("/api/runs", {
        body: {
          title: called.trim(),
          ...whom,
          options: {
            agent_id: agent,
            from_number: from,
            caller_ids: pool.filter((number) => number !== from),
            local_presence: near,
            concurrency: Number(lines),
            ramp_up_per_minute: ramp === "" ? null : Number(ramp),
            priority: Number(priority || 0),
            max_attempts: most,
            retry_delay_s: Number(delay || 0) * 60,
            retries: Object.fromEntries(
              Object.entries(rules)
                .filter(([, rule]) => rule.times !== "")
                .map(([code, rule]) => [code, { times: Number(rule.times), delay_s: Number(rule.minutes || 0) * 60 }]),
            ),
            machines: { detection, action, message: action === "leave_message" ? message : "" },
          } as Schema<"RunOptionsIn">,
        },
      });
      if (!run) return;
      await perform(run.id);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };

  /** The run is there already: whatever becomes of its start, its page is next, and one can press Start there. */
  const perform = async (runId: string) => {
    const params = { path: { run_id: runId } };
    let other = "";
    await act(async () => {
      try {
        if (begin === "now") await client.POST("/api/runs/{run_id}/start", { params });
        if (begin === "later") {
          await client.POST("/api/runs/{run_id}/schedule", { params, body: { starts_at: instantIn(zone, at) } });
        }
      } catch (failure) {
        if (!hasCode(failure, "run_already_active")) throw failure;
        other = String(failure.data.run_id ?? "");
      }
    });
    await navigate({ to: `/runs/${runId}`, search: (other ? { busy: other } : {}) as never });
  };

  return (
    <form onSubmit={(event) => void make(event)}>
      <Grid>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack>
            <Panel title={t("whom.title")}>
              <Stack>
                <Radio.Group value={way} onChange={(value) => setWay(value as Way)} aria-label={t("whom.title")}>
                  <Stack gap="xs">
                    {given.length > 0 && <Radio value="given" label={t("whom.given", { count: given.length })} />}
                    <Radio value="list" label={t("whom.list")} disabled={usable.length === 0} />
                    <Radio value="chosen" label={t("whom.chosen")} />
                    <Radio value="filter" label={t("whom.filter")} />
                    <Radio value="everybody" label={t("whom.everybody")} />
                  </Stack>
                </Radio.Group>
                {way === "list" && (
                  <Select
                    label={t("whom.which")}
                    searchable
                    value={list}
                    onChange={setList}
                    allowDeselect={false}
                    data={usable.map(({ id, name, leads }) => ({
                      value: id,
                      label: t("whom.list_of", { name, number: words.whole(leads) }),
                    }))}
                  />
                )}
                {way === "chosen" && <PickPeople most={CHOSEN_AT_MOST} chosen={chosen} onChange={setChosen} />}
                {way === "filter" && (
                  <TextInput
                    label={t("whom.search")}
                    value={search}
                    maxLength={200}
                    onChange={(event) => setSearch(event.currentTarget.value)}
                  />
                )}
                <TextInput
                  label={t("whom.name")}
                  required
                  maxLength={200}
                  dir="auto"
                  value={called}
                  onChange={(event) => setTitle(event.currentTarget.value)}
                />
              </Stack>
            </Panel>
            <Panel title={t("by.title")}>
              <Stack>
                <Select
                  label={t("by.agent")}
                  value={agent}
                  onChange={setAgent}
                  allowDeselect={false}
                  data={agents.map(({ id, name }) => ({ value: id, label: name }))}
                />
                <Select
                  label={t("by.from")}
                  value={from}
                  onChange={setFrom}
                  allowDeselect={false}
                  data={phoneOptions(numbers.map(({ e164 }) => e164))}
                />
                {numbers.length > 1 && (
                  <>
                    <MultiSelect
                      label={t("by.pool")}
                      value={pool}
                      onChange={setPool}
                      data={phoneOptions(numbers.map(({ e164 }) => e164).filter((number) => number !== from))}
                    />
                    <Switch label={t("by.near")} checked={near} onChange={(event) => setNear(event.currentTarget.checked)} />
                  </>
                )}
                <NumberInput
                  label={t("how.lines")}
                  description={t("how.lines_about", { number: words.whole(business.max_outbound_calls) })}
                  min={1}
                  max={10}
                  required
                  value={lines}
                  onChange={setLines}
                />
              </Stack>
            </Panel>
            <Accordion variant="contained" multiple chevronPosition="left">
              <Section value="again" title={t("again.title")}>
                <Group grow align="flex-start">
                  <NumberInput label={t("again.attempts")} min={1} max={DIALS_AT_MOST} value={most} onChange={setAttempts} />
                  <NumberInput label={t("again.delay_minutes")} min={0} max={43_200} value={delay} onChange={setDelay} />
                </Group>
                <Text size="sm" c="dimmed">
                  {t("again.rules_about")}
                </Text>
                <Table.ScrollContainer minWidth={420}>
                  <Table withRowBorders={false} verticalSpacing={4} aria-label={t("again.rules")}>
                    <Table.Thead>
                      <Table.Tr>
                        <Table.Th>{t("again.after")}</Table.Th>
                        <Table.Th>{t("again.times")}</Table.Th>
                        <Table.Th>{t("again.minutes")}</Table.Th>
                      </Table.Tr>
                    </Table.Thead>
                    <Table.Tbody>
                      {RETRYABLE.map((code) => {
                        const rule = rules[code] ?? { times: "", minutes: 30 };
                        const set = (change: object) => setRules({ ...rules, [code]: { ...rule, ...change } });
                        const outcome = t(`outcome.${code}`);
                        return (
                          <Table.Tr key={code}>
                            <Table.Th scope="row" fw={400}>
                              {outcome}
                            </Table.Th>
                            <Table.Td>
                              <NumberInput
                                aria-label={t("again.times_named", { outcome })}
                                size="xs"
                                w={90}
                                min={0}
                                max={DIALS_AT_MOST - 1}
                                placeholder="–"
                                value={rule.times}
                                onChange={(times) => set({ times })}
                              />
                            </Table.Td>
                            <Table.Td>
                              <NumberInput
                                aria-label={t("again.minutes_named", { outcome })}
                                size="xs"
                                w={110}
                                min={0}
                                max={43_200}
                                disabled={rule.times === ""}
                                value={rule.minutes}
                                onChange={(minutes) => set({ minutes })}
                              />
                            </Table.Td>
                          </Table.Tr>
                        );
                      })}
                    </Table.Tbody>
                  </Table>
                </Table.ScrollContainer>
              </Section>
              <Section value="machine" title={t("machine.title")}>
                <Select
                  label={t("machine.detection")}
                  value={detection}
                  onChange={(value) => setDetection((value ?? "heard") as Schema<"Detection">)}
                  allowDeselect={false}
                  data={(["heard", "carrier", "off"] as const).map((value) => ({ value, label: t(`machine.detection_is.${value}`) }))}
                />
                {detection !== "off" && (
                  <Select
                    label={t("machine.action")}
                    value={action}
                    onChange={(value) => setAction((value ?? "hang_up") as Schema<"OnMachine">)}
                    allowDeselect={false}
                    data={(["hang_up", "leave_message", "carry_on"] as const).map((value) => ({ value, label: t(`machine.action_is.${value}`) }))}
                  />
                )}
                {detection !== "off" && action === "leave_message" && (
                  <Textarea
                    label={t("machine.message")}
                    description={t("machine.message_about")}
                    required
                    maxLength={1000}
                    autosize
                    minRows={2}
                    dir="auto"
                    value={message}
                    onChange={(event) => setMessage(event.currentTarget.value)}
                  />
                )}
              </Section>
              <Section value="pace" title={t("how.title")}>
                <Group grow align="flex-start">
                  <NumberInput label={t("how.priority")} description={t("how.priority_about")} min={-100} max={100} value={priority} onChange={setPriority} />
                  <NumberInput label={t("how.ramp")} description={t("how.ramp_about")} min={1} max={10} value={ramp} onChange={setRamp} />
                </Group>
              </Section>
            </Accordion>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Box pos="sticky" top={76}>
            <Stack>
              <Estimate whom={whom} />
              <Panel title={t("begin.title")}>
                <Stack>
                  <Radio.Group value={begin} onChange={(value) => setBegin(value as Begin)} aria-label={t("begin.title")}>
                    <Stack gap="xs">
                      <Radio value="draft" label={t("begin.draft")} />
                      <Radio value="now" label={t("begin.now")} />
                      <Radio value="later" label={t("begin.later")} />
                    </Stack>
                  </Radio.Group>
                  {begin === "later" && (
                    <TextInput
                      type="datetime-local"
                      required
                      label={t("schedule.at")}
                      description={t("schedule.zone", { zone })}
                      value={at}
                      onChange={(event) => setAt(event.currentTarget.value)}
                    />
                  )}
                  {error !== null && <ErrorNote error={error} />}
                  <Button type="submit" loading={busy} disabled={!isWhole}>
                    {t(begin === "now" ? "begin.make_and_start" : "begin.make")}
                  </Button>
                  {whom === null && (
                    <Text size="sm" c="dimmed">
                      {t("begin.nobody")}
                    </Text>
                  )}
                </Stack>
              </Panel>
            </Stack>
          </Box>
        </Grid.Col>
      </Grid>
    </form>
  );
}

function Section({ value, title, children }: { value: string; title: string; children: ReactNode }) {
  return (
    <Accordion.Item value={value}>
      <Accordion.Control>{title}</Accordion.Control>
      <Accordion.Panel>
        <Stack>{children}</Stack>
      </Accordion.Panel>
    </Accordion.Item>
  );
}

function Estimate({ whom }: { whom: Whom | null }) {
  const t = useT("runs");
  const [settled] = useDebouncedValue(JSON.stringify(whom), 400);
  const body = JSON.parse(settled) as Whom | null;
  const estimate = api.useQuery(
    "post",
    "/api/runs/estimate",
    { body: body ?? {} },
    { enabled: body !== null, placeholderData: keepPreviousData, staleTime: 30_000 },
  );
  return (
    <Panel>
      {body === null ? (
        <Text c="dimmed">{t("outlook.choose")}</Text>
      ) : (
        <>
          <Answer of={estimate}>{(data) => <Outlook outlook={data} of="estimate" />}</Answer>
          <TextLink to="/calling-hours" size="sm">
            {t("outlook.to_hours")}
          </TextLink>
        </>
      )}
    </Panel>
  );
}
