// The form of a new run: whom, by which agent, from which numbers, how, and when it begins. Beside it stands
// what would come of it.

import { Box, Button, Grid, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { useFilters } from "@/lib/address";
import { client } from "@/lib/api";
import { hasCode } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { useBusiness, useZone } from "@/lib/session";
import { useAct } from "@/ui/act";
import { ErrorNote } from "@/ui/ErrorNote";
import { Panel } from "@/ui/Panel";
import { bodyOf, firstDraft, whomOf, type Begin, type Draft, type Given } from "./draft";
import { instantIn } from "./moment";
import { NewRunBy } from "./NewRunBy";
import { NewRunEstimate } from "./NewRunEstimate";
import { NewRunMore } from "./NewRunMore";
import { NewRunWhom } from "./NewRunWhom";

export function NewRunForm(given: Given) {
  const t = useT("runs");
  const act = useAct();
  const navigate = useNavigate();
  const zone = useZone();
  const business = useBusiness();
  const [wanted] = useFilters({ list: "", leads: "" });
  const [draft, setDraft] = useState(() => firstDraft(given, wanted, business.max_outbound_calls));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const { begin, at } = draft;
  const whom = whomOf(draft);
  const body = bodyOf(draft, given.lists);

  const make = async (event: FormEvent) => {
    event.preventDefault();
    if (body === null) return;
    setBusy(true);
    setError(null);
    try {
      const { data: run } = await client.POST("/api/runs", { body });
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
            <NewRunWhom draft={draft} set={set} lists={given.lists} />
            <NewRunBy draft={draft} set={set} agents={given.agents} numbers={given.numbers} />
            <NewRunMore draft={draft} set={set} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Box pos="sticky" top={76}>
            <Stack>
              <NewRunEstimate whom={whom} />
              <Panel title={t("begin.title")}>
                <Stack>
                  <Radio.Group value={begin} onChange={(value) => set({ begin: value as Begin })} aria-label={t("begin.title")}>
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
                      onChange={(event) => set({ at: event.currentTarget.value })}
                    />
                  )}
                  {error !== null && <ErrorNote error={error} />}
                  <Button type="submit" loading={busy} disabled={body === null}>
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
