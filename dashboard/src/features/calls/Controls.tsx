// What a person can do with a live call: hand it to a colleague, hold it, end it... The server says what is possible.

import { Autocomplete, Button, Group, Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { IconArrowForwardUp, IconMessage2, IconPhoneOff, IconPlayerPause, IconPlayerPlay, IconUserQuestion, IconGridDots } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness } from "@/lib/session";
import { useAct } from "@/ui/act";
import { useConfirm } from "@/ui/confirm";

type Verb = Schema<"Verb">;
type Asking = "transfer" | "warm_transfer" | "send_digits" | "drop_message";

const ICONS = {
  transfer: IconArrowForwardUp,
  warm_transfer: IconUserQuestion,
  hold: IconPlayerPause,
  resume: IconPlayerPlay,
  send_digits: IconGridDots,
  drop_message: IconMessage2,
  hang_up: IconPhoneOff,
} as const;
type Offered = keyof typeof ICONS;
const ORDER = Object.keys(ICONS) as Offered[];
const isAsking = (verb: Offered): verb is Asking => ["transfer", "warm_transfer", "send_digits", "drop_message"].includes(verb);

interface ControlsProps {
  callId: string;
  possible: Verb[];
  changed: () => Promise<unknown>;
}

export function Controls({ callId, possible, changed }: ControlsProps) {
  const t = useT("calls");
  const act = useAct();
  const confirm = useConfirm();
  const [asking, setAsking] = useState<Asking | null>(null);
  const [busy, setBusy] = useState<Offered | null>(null);
  const path = { params: { path: { call_id: callId } } };

  const carryOut = async (verb: Offered, deed: () => Promise<unknown>): Promise<boolean> => {
    setBusy(verb);
    const done = await act(deed, t(`control_done.${verb}`));
    await changed();
    setBusy(null);
    return done;
  };
  const begin = async (verb: Offered) => {
    if (isAsking(verb)) return setAsking(verb);
    if (verb === "hold") return carryOut(verb, () => client.POST("/api/calls/{call_id}/hold", path));
    if (verb === "resume") return carryOut(verb, () => client.POST("/api/calls/{call_id}/resume", path));
    const question = { title: t("hang_up.title"), body: t("hang_up.body"), confirm: t("verb.hang_up") };
    if (await confirm(question)) return carryOut(verb, () => client.POST("/api/calls/{call_id}/hang-up", path));
    return undefined;
  };
  const answered = (verb: Asking, form: Record<string, string>) =>
    carryOut(verb, () => {
      const { to = "", summary = "", digits = "", message = "" } = form;
      if (verb === "transfer") return client.POST("/api/calls/{call_id}/transfer", { ...path, body: { to } });
      if (verb === "warm_transfer") return client.POST("/api/calls/{call_id}/warm-transfer", { ...path, body: { to, summary } });
      if (verb === "send_digits") return client.POST("/api/calls/{call_id}/digits", { ...path, body: { digits } });
      return client.POST("/api/calls/{call_id}/drop-message", { ...path, body: { message } });
    });

  const offered = ORDER.filter((verb) => possible.includes(verb));
  if (offered.length === 0) return null;
  return (
    <Group gap="xs" role="group" aria-label={t("control.label")}>
      {offered.map((verb) => {
        const Icon = ICONS[verb];
        return (
          <Button
            key={verb} size="xs" variant={verb === "hang_up" ? "filled" : "default"} color={verb === "hang_up" ? "red" : undefined}
            leftSection={<Icon size={16} aria-hidden />} loading={busy === verb} disabled={busy !== null && busy !== verb}
            onClick={() => void begin(verb)}
          >
            {t(`verb.${verb}`)}
          </Button>
        );
      })}
      {asking && <Ask verb={asking} close={() => setAsking(null)} carryOut={answered} />}
    </Group>
  );
}

interface AskProps {
  verb: Asking;
  close: () => void;
  carryOut: (verb: Asking, form: Record<string, string>) => Promise<boolean>;
}

/** Ask for what an act needs, then do it. */
function Ask({ verb, close, carryOut }: AskProps) {
  const t = useT("calls");
  const common = useT("common");
  const { extensions } = useBusiness();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)]));
    setBusy(true);
    if (await carryOut(verb, form)) close();
    setBusy(false);
  };
  return (
    <Modal opened onClose={close} title={t(`verb.${verb}`)} closeButtonProps={{ "aria-label": common("close") }}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          {(verb === "transfer" || verb === "warm_transfer") && (
            <Autocomplete
              name="to" label={t("control.to")} description={t("control.to_hint")} required maxLength={100} data-autofocus
              data={extensions.map(({ name, extension }) => ({ value: extension, label: `${name} (${extension})` })).map(({ value }) => value)}
              renderOption={({ option }) => extensions.find(({ extension }) => extension === option.value)?.name ?? option.value}
            />
          )}
          {verb === "warm_transfer" && (
            <Textarea name="summary" label={t("control.summary")} description={t("control.summary_hint")} dir="auto" maxLength={600} autosize minRows={2} />
          )}
          {verb === "send_digits" && (
            <TextInput name="digits" label={t("control.digits")} description={t("control.digits_hint")} required dir="ltr" inputMode="tel" pattern="[0-9*#wW]+" maxLength={64} data-autofocus />
          )}
          {verb === "drop_message" && (
            <Textarea name="message" label={t("control.message")} description={t("control.message_hint")} required dir="auto" maxLength={1000} autosize minRows={3} data-autofocus />
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {common("cancel")}
            </Button>
            <Button type="submit" loading={busy}>
              {t(`verb.${verb}`)}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
