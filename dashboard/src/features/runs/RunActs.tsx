// The buttons that drive a run, and the questions that are asked before some of them.

import { ActionIcon, Alert, Button, Checkbox, Group, Menu, Modal, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import {
  IconAdjustments, IconCalendarTime, IconDots, IconPlayerPause, IconPlayerPlay, IconPlayerStop, IconRepeat,
} from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { client, type Schema } from "@/lib/api";
import { hasCode } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { useSession, useZone } from "@/lib/session";
import { ErrorNote } from "@/ui/ErrorNote";
import { TextLink } from "@/ui/LinkTo";
import { useAct } from "@/ui/act";
import { instantIn } from "./moment";

type Run = Schema<"RunOut">;
type Asked = "cancel" | "schedule" | "change" | null;

/** Everything that asks about runs, asked again: what was just done shows at once. */
export function useRunsAgain(): () => Promise<void> {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[1]).startsWith("/api/runs") });
}

export function RunActs({ run, compact = false }: { run: Run; compact?: boolean }) {
  const t = useT("runs");
  const { may } = useSession();
  const act = useAct();
  const again = useRunsAgain();
  const navigate = useNavigate();
  const [asked, setAsked] = useState<Asked>(null);
  const close = () => setAsked(null);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  if (!may("agent")) return null;
  const params = { path: { run_id: run.id } };
  const size = compact ? "compact-sm" : "sm";

  const does = async (deed: () => Promise<unknown>, done: string) => {
    setBusy(true);
    setRefused(null);
    await act(async () => {
      try {
        return await deed();
      } catch (error) {
        // The list is being called by another run: lead there instead of only saying so.
        const other = hasCode(error, "run_already_active") ? error.data.run_id : null;
        if (typeof other !== "string" || other === run.id) throw error;
        setRefused(other);
        return false;
      } finally {
        await again();
        setBusy(false);
      }
    }, done);
  };
  const start = () =>
    void does(async () => client.POST("/api/runs/{run_id}/start", { params }), t("did.started", { title: run.title }));
  const pause = () =>
    void does(async () => client.POST("/api/runs/{run_id}/pause", { params }), t("did.paused", { title: run.title }));
  const resume = () =>
    void does(async () => client.POST("/api/runs/{run_id}/resume", { params }), t("did.resumed", { title: run.title }));
  const retry = () =>
    void does(async () => {
      const { data } = await client.POST("/api/runs/{run_id}/retry-failed", { params });
      if (data) await navigate({ to: `/runs/${data.id}` });
    }, t("did.again"));

  const isOpen = ["pending", "running", "paused"].includes(run.state);
  return (
    <>
      <Group gap={6}>
        {run.state === "pending" && (
          <Button size={size} loading={busy} leftSection={<IconPlayerPlay size={15} />} onClick={start} aria-label={t("act.start_named", { title: run.title })}>
            {t("act.start")}
          </Button>
        )}
        {run.state === "running" && (
          <Button size={size} variant="default" loading={busy} leftSection={<IconPlayerPause size={15} />} onClick={pause} aria-label={t("act.pause_named", { title: run.title })}>
            {t("act.pause")}
          </Button>
        )}
        {run.state === "paused" && (
          <Button size={size} loading={busy} leftSection={<IconPlayerPlay size={15} />} onClick={resume} aria-label={t("act.resume_named", { title: run.title })}>
            {t("act.resume")}
          </Button>
        )}
        {run.retryable > 0 && (
          <Button size={size} variant="default" loading={busy} leftSection={<IconRepeat size={15} />} onClick={retry} aria-label={t("act.retry_named", { title: run.title })}>
            {t("act.retry", { count: run.retryable })}
          </Button>
        )}
        {isOpen && (
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="default" size={compact ? 26 : 36} aria-label={t("act.more_named", { title: run.title })}>
                <IconDots size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {run.state === "pending" && (
                <Menu.Item leftSection={<IconCalendarTime size={16} />} onClick={() => setAsked("schedule")}>
                  {t("act.schedule")}
                </Menu.Item>
              )}
              <Menu.Item leftSection={<IconAdjustments size={16} />} onClick={() => setAsked("change")}>
                {t("act.change")}
              </Menu.Item>
              <Menu.Item color="red" leftSection={<IconPlayerStop size={16} />} onClick={() => setAsked("cancel")}>
                {t("act.cancel")}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
      </Group>
      {refused && (
        <Alert color="yellow" role="alert" mt="xs" w="100%">
          {t("refused.list")} <TextLink to={`/runs/${refused}`}>{t("refused.other")}</TextLink>
        </Alert>
      )}
      <Modal opened={asked === "cancel"} onClose={close} title={t("cancel.title")}>
        <CancelRun run={run} close={close} />
      </Modal>
      <Modal opened={asked === "schedule"} onClose={close} title={t("schedule.title")}>
        <ScheduleRun run={run} close={close} />
      </Modal>
      <Modal opened={asked === "change"} onClose={close} title={t("change.title")}>
        <ChangeRun run={run} close={close} />
      </Modal>
    </>
  );
}

/** What stands in a dialog: drawn when it is opened, and so with what the run has then. */
interface Question {
  run: Run;
  close: () => void;
}

function useDeed(close: () => void) {
  const again = useRunsAgain();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const perform = async (deed: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await deed();
      await again();
      close();
      return true;
    } catch (failure) {
      setError(failure);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, perform };
}

function CancelRun({ run, close }: Question) {
  const t = useT("runs");
  const act = useAct();
  const [force, setForce] = useState(false);
  const { busy, error, perform } = useDeed(close);
  const cancel = async () => {
    let said = "";
    const done = await perform(async () => {
      const { data } = await client.POST("/api/runs/{run_id}/cancel", {
        params: { path: { run_id: run.id } },
        body: { force },
      });
      if (data) said = t("did.cancelled", { people: data.items_cancelled, calls: data.calls_in_flight });
    });
    if (done) await act(() => Promise.resolve(), said);
  };
  return (
    <Stack>
      <Text>
        {t("cancel.body")} <b><bdi>{run.title}</bdi></b>
      </Text>
      <Checkbox
        checked={force}
        onChange={(event) => setForce(event.currentTarget.checked)}
        label={t("cancel.force")}
        description={t("cancel.force_about")}
      />
      {error !== null && <ErrorNote error={error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={close} data-autofocus>
          {t("cancel.no")}
        </Button>
        <Button color="red" loading={busy} onClick={() => void cancel()}>
          {t("cancel.yes")}
        </Button>
      </Group>
    </Stack>
  );
}

function ScheduleRun({ run, close }: Question) {
  const t = useT("runs");
  const zone = useZone();
  const [at, setAt] = useState("");
  const { busy, error, perform } = useDeed(close);
  const save = (startsAt: string | null) =>
    void perform(() =>
      client.POST("/api/runs/{run_id}/schedule", {
        params: { path: { run_id: run.id } },
        body: { starts_at: startsAt },
      }),
    );
  return (
    <Stack>
      <Text c="dimmed" size="sm">
        {t("schedule.body")}
      </Text>
      <TextInput
        type="datetime-local"
        label={t("schedule.at")}
        description={t("schedule.zone", { zone })}
        value={at}
        onChange={(event) => setAt(event.currentTarget.value)}
        data-autofocus
      />
      {error !== null && <ErrorNote error={error} />}
      <Group justify="flex-end">
        {run.starts_at && (
          <Button variant="default" loading={busy} onClick={() => save(null)}>
            {t("schedule.none")}
          </Button>
        )}
        <Button loading={busy} disabled={!at} onClick={() => save(instantIn(zone, at))}>
          {t("schedule.yes")}
        </Button>
      </Group>
    </Stack>
  );
}

function ChangeRun({ run, close }: Question) {
  const t = useT("runs");
  const [lines, setLines] = useState<number | string>(run.options.concurrency ?? 3);
  const [priority, setPriority] = useState<number | string>(run.options.priority ?? 0);
  const { busy, error, perform } = useDeed(close);
  const save = () =>
    void perform(() =>
      client.PATCH("/api/runs/{run_id}", {
        params: { path: { run_id: run.id } },
        body: { concurrency: Number(lines), priority: Number(priority) },
      }),
    );
  return (
    <Stack>
      <Text c="dimmed" size="sm">
        {t("change.body")}
      </Text>
      <NumberInput label={t("how.lines")} min={1} max={10} value={lines} onChange={setLines} data-autofocus />
      <NumberInput label={t("how.priority")} description={t("how.priority_about")} min={-100} max={100} value={priority} onChange={setPriority} />
      {error !== null && <ErrorNote error={error} />}
      <Group justify="flex-end">
        <Button loading={busy} disabled={lines === "" || priority === ""} onClick={save}>
          {t("change.yes")}
        </Button>
      </Group>
    </Stack>
  );
}
