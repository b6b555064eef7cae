// Who could be called now, later or not at all, in figures and by place.

import { Group, Progress, Stack, Table, Text, Title } from "@mantine/core";
import type { Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";

type Shape = Schema<"OutlookOut">;
const PARTS: [keyof Shape & ("now" | "later" | "never" | "no_consent" | "suppressed"), string][] = [
  ["now", "green"],
  ["later", "yellow"],
  ["never", "gray"],
  ["no_consent", "grape"],
  ["suppressed", "red"],
];

export function Outlook({ outlook, of }: { outlook: Shape; of: "run" | "estimate" }) {
  const t = useT("runs");
  const numbers = useNumbers();
  const time = useTime();
  const isAbout = outlook.judged < outlook.now + outlook.later + outlook.never;
  const about = (value: number, isExact: boolean) =>
    isAbout && !isExact ? t("outlook.about", { count: value, number: numbers.whole(value) }) : numbers.whole(value);
  return (
    <Stack gap="xs" data-outlook>
      <Title order={2}>{t(of === "run" ? "outlook.title_run" : "outlook.title")}</Title>
      <Text fw={600}>
        {outlook.people === 0 && t("outlook.nobody")}
        {outlook.people > 0 && outlook.now > 0 && t("outlook.may_now", { number: about(outlook.now, false) })}
        {outlook.people > 0 && outlook.now === 0 && outlook.next_at && t("outlook.opens", { when: time.dateTime(outlook.next_at) })}
        {outlook.people > 0 && outlook.now === 0 && !outlook.next_at && t("outlook.never")}
      </Text>
      {outlook.people > 0 && (
        <Progress.Root size="md" aria-hidden>
          {PARTS.map(([part, colour]) => (
            <Progress.Section key={part} value={(outlook[part] / outlook.people) * 100} color={colour} />
          ))}
        </Progress.Root>
      )}
      <Table verticalSpacing={2} highlightOnHover={false} withRowBorders={false}>
        <Table.Tbody>
          <Table.Tr>
            <Table.Th scope="row">{t("outlook.people")}</Table.Th>
            <Table.Td ta="end" data-part="people">{numbers.whole(outlook.people)}</Table.Td>
          </Table.Tr>
          {PARTS.filter(([part]) => outlook[part] > 0 || part === "now").map(([part]) => (
            <Table.Tr key={part}>
              <Table.Td>
                {t(`outlook.part.${part}`)}
                {(part === "later" || part === "never") && <Reasons outlook={outlook} part={part} />}
              </Table.Td>
              <Table.Td ta="end" data-part={part}>
                {about(outlook[part], part === "suppressed" || part === "no_consent")}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {outlook.places.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            {t("outlook.places")}
          </Text>
          {outlook.places.slice(0, of === "run" ? 3 : 8).map((place) => (
            <Group key={place.zones.join()} justify="space-between" gap="xs" wrap="nowrap">
              <Text size="sm">
                <Zones zones={place.zones} /> · {about(place.people, false)}
              </Text>
              <Text size="sm" c="dimmed" ta="end">
                <OpenWords opensAt={place.opens_at} closesAt={place.closes_at} />
              </Text>
            </Group>
          ))}
        </div>
      )}
      {isAbout && (
        <Text size="xs" c="dimmed">
          {t("outlook.judged", { number: numbers.whole(outlook.judged) })}
        </Text>
      )}
    </Stack>
  );
}

const NEVER = new Set(["no_calling_hours", "attempts_in_all"]);

function Reasons({ outlook, part }: { outlook: Shape; part: "later" | "never" }) {
  const t = useT("runs");
  const mine = Object.keys(outlook.reasons).filter((reason) => NEVER.has(reason) === (part === "never"));
  if (mine.length === 0) return null;
  return (
    <Text span size="xs" c="dimmed">
      {" "}
      ({mine.map((reason) => t([`waits_for.${reason}`, `outcome.${reason}`])).join(", ")})
    </Text>
  );
}

/** Where a number is at home: the first zone's city, and how many more it may be in. */
export function Zones({ zones }: { zones: string[] }) {
  const t = useT("runs");
  const [first] = zones;
  if (!first) return <>{t("outlook.nowhere")}</>;
  const city = first.split("/").at(-1)?.replaceAll("_", " ") ?? first;
  return (
    <>
      <bdi dir="ltr">{city}</bdi>
      {zones.length > 1 && ` ${t("outlook.and_more", { count: zones.length - 1 })}`}
    </>
  );
}

export function OpenWords({ opensAt, closesAt }: { opensAt: string | null; closesAt: string | null }) {
  const t = useT("runs");
  const time = useTime();
  if (!opensAt) return <>{t("outlook.shut_ever")}</>;
  if (new Date(opensAt) > new Date()) return <>{t("outlook.opens_at", { when: time.short(opensAt) })}</>;
  return <>{closesAt ? t("outlook.open_until", { when: time.short(closesAt) }) : t("outlook.open")}</>;
}
