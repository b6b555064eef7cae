// The numbers and addresses of one person: whoever calls or writes from any of them is this lead.

import { ActionIcon, Badge, Button, Group, Menu, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBrandWhatsapp, IconDots, IconMail, IconPhone, IconPlus, type Icon } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { client, type Schema } from "@/lib/api";
import { hasCode } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { useConfirm } from "@/ui/confirm";
import { ErrorNote } from "@/ui/ErrorNote";
import { TextLink } from "@/ui/LinkTo";
import { Panel } from "@/ui/Panel";

type Detail = Schema<"LeadDetail">;
type Address = Schema<"AddressOut">;
type Channel = Address["channel"];

const ICONS: Record<Channel, Icon> = { phone: IconPhone, whatsapp: IconBrandWhatsapp, email: IconMail };
const CHANNELS: Channel[] = ["phone", "whatsapp", "email"];

export function Addresses({ lead }: { lead: Detail }) {
  const t = useT("leads");
  const { may } = useSession();
  const [adding, add] = useDisclosure();
  const further = lead.addresses.filter((one) => !(one.channel === "phone" && one.address === lead.phone));
  const main: Address[] = [{ channel: "phone", address: lead.phone }];
  if (lead.email) main.push({ channel: "email", address: lead.email });
  return (
    <Panel title={t("addresses.title")}>
      <Stack gap="xs">
        {main.map((one) => (
          <Line key={one.channel + one.address} lead={lead} one={one} isMain />
        ))}
        {further.map((one) => (
          <Line key={one.channel + one.address} lead={lead} one={one} />
        ))}
        {may("agent") &&
          (adding ? (
            <NewAddress lead={lead} close={add.close} />
          ) : (
            <Button variant="subtle" size="compact-sm" leftSection={<IconPlus size={14} />} onClick={add.open} style={{ alignSelf: "flex-start" }}>
              {t("addresses.add")}
            </Button>
          ))}
      </Stack>
    </Panel>
  );
}

function Line({ lead, one, isMain = false }: { lead: Detail; one: Address; isMain?: boolean }) {
  const t = useT("leads");
  const act = useAct();
  const confirm = useConfirm();
  const { may } = useSession();
  const Shown = ICONS[one.channel];
  const makeMain = async () => {
    const question = { title: t("addresses.main_title", { phone: one.address }), body: t("addresses.main_body"), confirm: t("addresses.make_main"), mild: true };
    if (!(await confirm(question))) return;
    const body = { phone: one.address, version: lead.version };
    await act(() => client.POST("/api/leads/{lead_id}/main-number", { params: { path: { lead_id: lead.id } }, body }));
  };
  const remove = async () => {
    const question = { title: t("addresses.remove_title", { address: one.address }), body: t("addresses.remove_body"), confirm: t("addresses.remove") };
    if (!(await confirm(question))) return;
    const path = { lead_id: lead.id, channel: one.channel, address: one.address };
    await act(() => client.DELETE("/api/leads/{lead_id}/addresses/{channel}/{address}", { params: { path } }));
  };
  return (
    <Group gap="xs" wrap="nowrap" justify="space-between">
      <Group gap="xs" wrap="nowrap" miw={0}>
        <Shown size={16} stroke={1.7} role="img" aria-label={t(`channel.${one.channel}`)} />
        <Text size="sm" dir="ltr" style={{ overflowWrap: "anywhere" }}>
          <bdi>{one.address}</bdi>
        </Text>
        {isMain && (
          <Badge size="sm" variant="light" color="gray">
            {t("addresses.main")}
          </Badge>
        )}
      </Group>
      {!isMain && may("agent") && (
        <Menu shadow="md" position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t("addresses.acts", { address: one.address })}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {one.channel === "phone" && <Menu.Item onClick={() => void makeMain()}>{t("addresses.make_main")}</Menu.Item>}
            <Menu.Item color="red" onClick={() => void remove()}>
              {t("addresses.remove")}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
    </Group>
  );
}

function NewAddress({ lead, close }: { lead: Detail; close: () => void }) {
  const t = useT("leads");
  const [channel, setChannel] = useState<Channel>("phone");
  const [address, setAddress] = useState("");
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const act = useAct();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      await client.POST("/api/leads/{lead_id}/addresses", { params: { path: { lead_id: lead.id } }, body: { channel, address } });
      await act(() => Promise.resolve(), t("addresses.added"));
      close();
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="xs">
        <Select
          size="xs"
          label={t("addresses.channel")}
          data={CHANNELS.map((value) => ({ value, label: t(`channel.${value}`) }))}
          value={channel}
          onChange={(value) => setChannel(value ?? "phone")}
          allowDeselect={false}
        />
        <TextInput
          size="xs"
          label={t("addresses.address")}
          dir="ltr"
          type={channel === "email" ? "email" : "tel"}
          value={address}
          onChange={(event) => setAddress(event.currentTarget.value)}
          data-autofocus
          required
        />
        {hasCode(failure, "address_known", "number_known") ? (
          <Text role="alert" size="sm" c="red">
            {t("addresses.known")}{" "}
            <TextLink to={`/leads/${lead.id}`} search={{ merge: String(failure.data.lead_id) }} underline="always" onClick={close}>
              {t("addresses.merge_known")}
            </TextLink>
          </Text>
        ) : (
          failure !== null && <ErrorNote error={failure} />
        )}
        <Group gap="xs">
          <Button type="submit" size="xs" loading={busy} disabled={!address.trim()}>
            {t("addresses.add")}
          </Button>
          <Button size="xs" variant="default" onClick={close}>
            {t("cancel")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
