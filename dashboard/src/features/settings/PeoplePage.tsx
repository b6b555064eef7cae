// Who works in the business, and who has been asked to.

import { ActionIcon, Button, Group, Menu, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconDots, IconUserPlus, IconUsers } from "@tabler/icons-react";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { DataTable, type Column } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { Moment } from "@/ui/Moment";
import { Panel } from "@/ui/Panel";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";
import { InviteForm } from "./InviteForm";
import { LinkShown } from "./LinkShown";
import { RoleForm } from "./RoleForm";
import { SettingsTabs } from "./SettingsTabs";

type User = Schema<"UserOut">;
type Invitation = Schema<"InvitationOut">;

export default function PeoplePage() {
  const t = useT("settings");
  const [inviting, { open, close }] = useDisclosure(false);
  const [link, setLink] = useState<string | null>(null);
  return (
    <>
      <SettingsTabs
        title={t("people.title")}
        about={t("people.about")}
        actions={
          <Button leftSection={<IconUserPlus size={18} />} onClick={open}>
            {t("people.invite")}
          </Button>
        }
      />
      <Stack>
        <Invitations onLink={setLink} />
        <People onInvite={open} />
      </Stack>
      <InviteForm opened={inviting} onClose={close} onLink={setLink} />
      <LinkShown link={link} onClose={() => setLink(null)} />
    </>
  );
}

function People({ onInvite }: { onInvite: () => void }) {
  const t = useT("settings");
  const { me } = useSession();
  const people = api.useQuery("get", "/api/users");
  const invited = api.useQuery("get", "/api/invitations");
  const columns: Column<User>[] = [
    {
      id: "name",
      header: t("people.name"),
      cell: (user) => (
        <Group gap="xs">
          <bdi>{user.name}</bdi>
          {user.id === me.user_id && <StatusBadge tone="quiet">{t("people.you")}</StatusBadge>}
        </Group>
      ),
    },
    { id: "email", header: t("people.email"), cell: (user) => <bdi dir="ltr">{user.email}</bdi> },
    { id: "role", header: t("people.role"), cell: (user) => t(`role.${user.role}`), whole: true },
    { id: "acts", header: "", cell: (user) => <PersonActs user={user} />, end: true },
  ];
  return (
    <Panel title={t("people.members")}>
      <Answer of={people}>
        {(rows) => (
          <Stack>
            <DataTable label={t("people.members")} columns={columns} rows={rows} keyOf={(user) => user.id} />
            {rows.length === 1 && invited.data?.length === 0 && (
              <EmptyState icon={IconUsers} title={t("people.alone.title")} body={t("people.alone.body")}>
                <Button variant="default" onClick={onInvite}>
                  {t("people.invite")}
                </Button>
              </EmptyState>
            )}
          </Stack>
        )}
      </Answer>
    </Panel>
  );
}

function PersonActs({ user }: { user: User }) {
  const t = useT("settings");
  const { me, may } = useSession();
  const act = useAct();
  const confirm = useConfirm();
  const [changing, { open, close }] = useDisclosure(false);
  const mayRemove = may("owner") || user.role !== "owner";
  if (user.id === me.user_id || !mayRemove) return null;

  const remove = async () => {
    const sure = await confirm({
      title: t("people.remove.title", { name: user.name }),
      body: t("people.remove.body"),
      confirm: t("people.remove.confirm"),
    });
    if (!sure) return;
    const path = { user_id: user.id };
    await act(() => client.DELETE("/api/users/{user_id}", { params: { path } }), t("people.remove.done"));
  };
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t("people.acts", { name: user.name })}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {may("owner") && <Menu.Item onClick={open}>{t("people.change_role")}</Menu.Item>}
          <Menu.Item color="red" onClick={() => void remove()}>
            {t("people.remove.confirm")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {changing && <RoleForm user={user} onClose={close} />}
    </>
  );
}

const TONES: Record<Invitation["posted"], Tone> = { sent: "good", waiting: "busy", refused: "bad", by_hand: "quiet" };

function Invitations({ onLink }: { onLink: (link: string) => void }) {
  const t = useT("settings");
  const open = api.useQuery("get", "/api/invitations");
  const columns: Column<Invitation>[] = [
    { id: "email", header: t("people.email"), cell: (row) => <bdi dir="ltr">{row.email}</bdi> },
    { id: "role", header: t("people.role"), cell: (row) => t(`role.${row.role}`), whole: true },
    {
      id: "posted",
      header: t("invitations.letter"),
      cell: (row) => (
        <>
          <StatusBadge tone={TONES[row.posted]}>{t(`invitations.posted.${row.posted}`)}</StatusBadge>
          {row.refusal && (
            <Text size="xs" c="dimmed" dir="ltr">
              {row.refusal}
            </Text>
          )}
        </>
      ),
    },
    { id: "expires", header: t("invitations.expires"), cell: (row) => <Moment at={row.expires_at} how="ago" />, whole: true, wide: true },
    { id: "acts", header: "", cell: (row) => <InvitationActs row={row} onLink={onLink} />, end: true },
  ];
  if (!open.data?.length) return null;
  return (
    <Panel title={t("invitations.title")} about={t("invitations.about")}>
      <DataTable label={t("invitations.title")} columns={columns} rows={open.data} keyOf={(row) => row.id} />
    </Panel>
  );
}

function InvitationActs({ row, onLink }: { row: Invitation; onLink: (link: string) => void }) {
  const t = useT("settings");
  const { may } = useSession();
  const act = useAct();
  const confirm = useConfirm();
  const params = { path: { invitation_id: row.id } };

  const again = () =>
    act(async () => {
      const { data } = await client.POST("/api/invitations/{invitation_id}/send-again", { params });
      if (data?.link) onLink(data.link);
    }, t("invitations.again_done"));
  const revoke = async () => {
    const sure = await confirm({
      title: t("invitations.revoke.title", { email: row.email }),
      body: t("invitations.revoke.body"),
      confirm: t("invitations.revoke.confirm"),
    });
    if (sure) await act(() => client.DELETE("/api/invitations/{invitation_id}", { params }), t("invitations.revoke.done"));
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t("invitations.acts", { email: row.email })}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(may("owner") || row.role !== "owner") && (
          <Menu.Item onClick={() => void again()}>{t("invitations.again")}</Menu.Item>
        )}
        <Menu.Item color="red" onClick={() => void revoke()}>
          {t("invitations.revoke.confirm")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
