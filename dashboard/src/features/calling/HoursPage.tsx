import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { keepPreviousData } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { CallingHours } from "@/features/settings/CallingHours";
import { OpenWords, Zones } from "@/features/runs/Outlook";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { Answer } from "@/ui/Answer";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";

export default function HoursPage() {
  const t = useT("calling");
  return (
    <>
      <PageHeader title={t("hours.title")} about={t("hours.about")} />
      <Stack>
        <MayWeCall />
        <CallingHours />
      </Stack>
    </>
  );
}

/** Whether one number may be called now, by every rule; and if not, why and when. */
function MayWeCall() {
  const t = useT("calling");
  const [typed, setTyped] = useState("");
  const [phone, setPhone] = useState("");
  const asked = api.useQuery(
    "get",
    "/api/calling-hours",
    { params: { query: { phone } } },
    { enabled: phone !== "", retry: false, placeholderData: keepPreviousData },
  );
  const ask = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() === phone) void asked.refetch();
    else setPhone(typed.trim());
  };
  return (
    <Panel title={t("may.title")}>
      <form onSubmit={ask}>
        <Group align="flex-end">
          <TextInput label={t("phone")} type="tel" required dir="ltr" maxLength={50} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
          <Button type="submit" variant="default" disabled={!typed.trim()} loading={asked.isFetching}>
            {t("may.ask")}
          </Button>
        </Group>
      </form>
      {phone !== "" && <Answer of={asked}>{(found) => <Verdict found={found} />}</Answer>}
    </Panel>
  );
}

function Verdict({ found }: { found: Schema<"NumberOutlookOut"> }) {
  const t = useT("calling");
  const time = useTime();
  return (
    <Alert mt="sm" color={found.allowed ? "green" : "yellow"} role="status" title={<bdi dir="ltr">{found.phone}</bdi>}>
      <Text size="sm">
        {found.allowed ? t("may.yes") : t(`may.why.${found.reason}`)}
        {found.until && ` ${t("may.until", { when: time.dateTime(found.until) })}`}
      </Text>
      <Text size="sm">
        <Zones zones={found.zones} /> · <OpenWords opensAt={found.opens_at} closesAt={found.closes_at} />
      </Text>
    </Alert>
  );
}
