// One's own account: name, language, password, where one is signed in, and leaving.

import { Button, Group, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { DataTable, type Column } from "@/ui/DataTable";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";
import { StatusBadge } from "@/ui/StatusBadge";
import { useKeptForm } from "@/ui/useKeptForm";
import { useLanguageOptions } from "./languages";
import { PasswordField } from "./PasswordField";

export default function AccountPage() {
  const t = useT("settings");
  const { me } = useSession();
  return (
    <>
      <PageHeader title={t("account.title")} about={<bdi dir="ltr">{me.email}</bdi>} />
      <Stack>
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <Oneself />
          <Password />
        </SimpleGrid>
        <Sessions />
        {!me.is_system_admin && <Leaving />}
      </Stack>
    </>
  );
}

function Oneself() {
  const t = useT("settings");
  const { me } = useSession();
  const act = useAct();
  const cache = useQueryClient();
  const languages = useLanguageOptions();
  const [busy, setBusy] = useState(false);
  const [form, changed] = useKeptForm({ name: me.name, language: me.language });
  const save = form.onSubmit(async (values) => {
    setBusy(true);
    const body = changed(values);
    await act(async () => {
      if (Object.keys(body).length > 0) await client.PATCH("/api/me", { body });
      await cache.invalidateQueries({ queryKey: ["get", "/api/me"], exact: true });
    }, t("saved"));
    setBusy(false);
  });
  return (
    <Panel title={t("account.you")}>
      <form onSubmit={save}>
        <Stack>
          <TextInput
            {...form.getInputProps("name")}
            label={t("people.name")}
            dir="auto"
            autoComplete="name"
            required
            withAsterisk={false}
            maxLength={200}
          />
          <Select {...form.getInputProps("language")} label={t("account.language")} data={languages} allowDeselect={false} />
          <Group>
            <Button type="submit" loading={busy}>
              {t("save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}

function Password() {
  const t = useT("settings");
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const form = useForm({ initialValues: { current: "", new: "" } });
  const save = form.onSubmit(async (body) => {
    setBusy(true);
    if (await act(() => client.POST("/api/me/password", { body }), t("password.changed"))) form.reset();
    setBusy(false);
  });
  return (
    <Panel title={t("password.title")} about={t("password.about")}>
      <form onSubmit={save}>
        <Stack>
          <PasswordField {...form.getInputProps("current")} label={t("password.current")} autoComplete="current-password" />
          <PasswordField {...form.getInputProps("new")} label={t("password.new")} isNew />
          <Group>
            <Button type="submit" loading={busy}>
              {t("password.change")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}

function Sessions() {
  const t = useT("settings");
  const act = useAct();
  const cache = useQueryClient();
  const sessions = api.useQuery("get", "/api/me/sessions");
  const again = () => cache.invalidateQueries({ queryKey: ["get", "/api/me/sessions"] });
  const end = (row: Schema<"SessionOut">) =>
    act(async () => {
      await client.DELETE("/api/me/sessions/{session_id}", { params: { path: { session_id: row.id } } });
      await again();
    }, t("sessions.ended"));
  const endOthers = () =>
    act(async () => {
      await client.POST("/api/me/sessions/end-others");
      await again();
    }, t("sessions.others_ended"));
  const columns: Column<Schema<"SessionOut">>[] = [
    {
      id: "device",
      header: t("sessions.device"),
      cell: (row) => (
        <Group gap="xs">
          <bdi>{row.device || t("sessions.unknown")}</bdi>
          {row.current && <StatusBadge tone="good">{t("sessions.here")}</StatusBadge>}
        </Group>
      ),
    },
    { id: "address", header: t("sessions.address"), cell: (row) => <bdi dir="ltr">{row.address}</bdi>, wide: true },
    { id: "began", header: t("sessions.began"), cell: (row) => <Moment at={row.created_at} />, whole: true, wide: true },
    { id: "seen", header: t("sessions.seen"), cell: (row) => <Moment at={row.last_seen_at} how="ago" />, whole: true },
    {
      id: "acts",
      header: "",
      end: true,
      cell: (row) =>
        !row.current && (
          <Button variant="default" size="xs" onClick={() => void end(row)} aria-label={t("sessions.end_of", { device: row.device })}>
            {t("sessions.end")}
          </Button>
        ),
    },
  ];
  return (
    <Answer of={sessions}>
      {(rows) => (
        <Panel
          title={t("sessions.title")}
          about={t("sessions.about")}
          actions={
            rows.length > 1 && (
              <Button variant="default" size="xs" onClick={() => void endOthers()}>
                {t("sessions.end_others")}
              </Button>
            )
          }
        >
          <DataTable label={t("sessions.title")} columns={columns} rows={rows} keyOf={(row) => row.id} least="24rem" />
        </Panel>
      )}
    </Answer>
  );
}

function Leaving() {
  const t = useT("settings");
  const act = useAct();
  const confirm = useConfirm();
  const { business } = useSession();
  const leave = async () => {
    const name = business?.name ?? "";
    const sure = await confirm({ title: t("leave.title", { name }), body: t("leave.body"), confirm: t("leave.confirm") });
    if (sure && (await act(() => client.POST("/api/me/leave")))) location.assign("/");
  };
  return (
    <Panel title={t("leave.heading")}>
      <Stack align="flex-start">
        <Text size="sm" c="dimmed">
          {t("leave.body")}
        </Text>
        <Button color="red" variant="light" onClick={() => void leave()}>
          {t("leave.confirm")}
        </Button>
      </Stack>
    </Panel>
  );
}
