// What somebody sees by the link that they were sent: their appointment, moving it, cancelling it. Nobody signs in.

import { Alert, Button, Card, Center, Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { LanguageMenu } from "@/app/LanguageMenu";
import { SchemeButton } from "@/app/SchemeButton";
import { api, client, type Schema } from "@/lib/api";
import { hasCode } from "@/lib/errors";
import { chooseLanguage, isLanguage, keptLanguage, useLanguage, useT } from "@/lib/i18n";
import { timeWords } from "@/lib/time";
import { useConfirm } from "@/ui/confirm";
import { ErrorNote } from "@/ui/ErrorNote";
import { Loading } from "@/ui/Loading";

type Mine = Schema<"MineOut">;
type Slot = Schema<"SlotOut">;
const SHOWN_DAYS = 4;

export default function MyAppointmentPage() {
  const t = useT("my_appointment");
  const [secret] = useState(() => location.hash.slice(1));
  const read = api.useMutation("post", "/api/my-appointment");
  const { mutate } = read;
  useEffect(() => {
    mutate({ body: { secret } });
  }, [mutate, secret]);
  if (hasCode(read.error, "not_found", "invalid_input")) {
    return (
      <Frame title={t("nothing")}>
        <Text>{t("nothing_about")}</Text>
      </Frame>
    );
  }
  if (read.isError) {
    return (
      <Frame title={t("unread")}>
        <ErrorNote error={read.error} retry={() => mutate({ body: { secret } })} />
      </Frame>
    );
  }
  if (!read.data) return <Loading />;
  return <Appointment secret={secret} first={read.data} />;
}

function Frame({ title, children }: { title: string; children: React.ReactNode }) {
  useDocumentTitle(title);
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack w="100%" maw="30rem" gap="lg">
        <Group justify="flex-end" gap="xs">
          <LanguageMenu />
          <SchemeButton />
        </Group>
        <Card withBorder padding="lg">
          <Stack>
            <Title order={1} size="h2" dir="auto">
              {title}
            </Title>
            {children}
          </Stack>
        </Card>
      </Stack>
    </Center>
  );
}

function Appointment({ secret, first }: { secret: string; first: Mine }) {
  const t = useT("my_appointment");
  const language = useLanguage();
  const confirm = useConfirm();
  const [mine, setMine] = useState(first);
  const [slots, setSlots] = useState<Slot[] | null>(null);
  const [said, setSaid] = useState("");
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState("");
  const time = timeWords(language, mine.time_zone);

  // The business's language, unless another was chosen in this browser.
  useEffect(() => {
    if (keptLanguage() === null && isLanguage(first.language)) void chooseLanguage(first.language);
  }, [first.language]);

  const act = async (name: string, deed: () => Promise<void>) => {
    setBusy(name);
    setFailure(null);
    setSaid("");
    try {
      await deed();
    } catch (error) {
      setFailure(error);
      if (hasCode(error, "outdated", "conflict")) {
        const { data } = await client.POST("/api/my-appointment", { body: { secret } });
        if (data) setMine(data);
      }
    } finally {
      setBusy("");
    }
  };
  const look = () =>
    act("look", async () => {
      const { data } = await client.POST("/api/my-appointment/slots", { body: { secret } });
      setSlots(data?.slots ?? []);
    });
  const move = (slot: Slot) =>
    act(slot.starts_at, async () => {
      const body = { secret, starts_at: slot.starts_at, version: mine.version };
      const { data } = await client.POST("/api/my-appointment/move", { body });
      if (data) setMine(data);
      setSlots(null);
      setSaid(t("moved"));
    });
  const cancel = async () => {
    if (!(await confirm({ title: t("cancel_title"), body: t("cancel_body"), confirm: t("cancel") }))) return;
    await act("cancel", async () => {
      const { data } = await client.POST("/api/my-appointment/cancel", { body: { secret, version: mine.version } });
      if (data) setMine(data);
      setSlots(null);
    });
  };
  const keep = () =>
    act("ics", async () => {
      const { data } = await client.POST("/api/my-appointment/ics", { body: { secret }, parseAs: "blob" });
      const address = URL.createObjectURL(data as unknown as Blob);
      const link = Object.assign(document.createElement("a"), { href: address, download: "appointment.ics" });
      link.click();
      URL.revokeObjectURL(address);
    });
  const isOpen = mine.standing === "open";
  return (
    <Frame title={t("title", { business: mine.business })}>
      <div>
        <Text size="lg" fw={600} data-testid="when" td={mine.standing === "cancelled" ? "line-through" : undefined}>
          {time.day(mine.starts_at)},{" "}
          <bdi dir="ltr" style={{ whiteSpace: "nowrap" }}>{`${time.clock(mine.starts_at)}–${time.clock(mine.ends_at)}`}</bdi>
        </Text>
        {mine.visit && (
          <Text>
            <bdi>{mine.visit}</bdi>
          </Text>
        )}
        <Text size="sm" c="dimmed">
          {t("zone", { zone: mine.time_zone })}
        </Text>
      </div>
      {said && (
        <Alert color="green" role="status">
          {said}
        </Alert>
      )}
      {failure !== null && <ErrorNote error={failure} />}
      {!isOpen && (
        <Alert color={mine.standing === "cancelled" ? "red" : "yellow"} role="status">
          {t(`standing.${mine.standing}`, { business: mine.business })}
        </Alert>
      )}
      {isOpen && slots === null && (
        <Group>
          <Button onClick={() => void look()} loading={busy === "look"}>
            {t("move")}
          </Button>
          <Button variant="default" onClick={() => void keep()} loading={busy === "ics"}>
            {t("keep")}
          </Button>
          <Button variant="subtle" color="red" onClick={() => void cancel()} loading={busy === "cancel"}>
            {t("cancel")}
          </Button>
        </Group>
      )}
      {isOpen && slots !== null && (
        <Slots slots={slots} time={time} busy={busy} choose={(slot) => void move(slot)} back={() => setSlots(null)} />
      )}
    </Frame>
  );
}

interface SlotsProps {
  slots: Slot[];
  time: ReturnType<typeof timeWords>;
  busy: string;
  choose: (slot: Slot) => void;
  back: () => void;
}

function Slots({ slots, time, busy, choose, back }: SlotsProps) {
  const t = useT("my_appointment");
  const [from, setFrom] = useState(0);
  const days = new Map<string, Slot[]>();
  for (const slot of slots) {
    const key = time.dayKey(slot.starts_at);
    days.set(key, [...(days.get(key) ?? []), slot]);
  }
  const shown = [...days.values()].slice(from, from + SHOWN_DAYS);
  return (
    <Stack gap="sm">
      <Text fw={600}>{t("choose")}</Text>
      {slots.length === 0 && <Text>{t("none_free")}</Text>}
      {shown.map((those) => (
        <div key={those[0]?.starts_at}>
          <Text size="sm" mb={4}>
            {time.day(those[0]?.starts_at ?? "")}
          </Text>
          <Group gap={6} role="group" aria-label={time.day(those[0]?.starts_at ?? "")}>
            {those.map((slot) => (
              <Button
                key={slot.starts_at}
                size="compact-md"
                variant="light"
                loading={busy === slot.starts_at}
                disabled={busy !== ""}
                onClick={() => choose(slot)}
              >
                <bdi>{time.clock(slot.starts_at)}</bdi>
              </Button>
            ))}
          </Group>
        </div>
      ))}
      <Group>
        <Button variant="default" onClick={back}>
          {t("back")}
        </Button>
        {from > 0 && (
          <Button variant="subtle" onClick={() => setFrom(from - SHOWN_DAYS)}>
            {t("earlier")}
          </Button>
        )}
        {from + SHOWN_DAYS < days.size && (
          <Button variant="subtle" onClick={() => setFrom(from + SHOWN_DAYS)}>
            {t("later")}
          </Button>
        )}
      </Group>
    </Stack>
  );
}
