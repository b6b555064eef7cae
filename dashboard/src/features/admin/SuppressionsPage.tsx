// Numbers that no business of the installation calls.

import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPhoneX, IconTrash } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Pager, usePages } from "@/ui/Pager";
import { Panel } from "@/ui/Panel";

type Suppression = Schema<"SystemSuppressionOut">;

const PATH = "/api/admin/suppressions";
const A_PAGE = 100;

export default function SuppressionsPage() {
  const t = useT("admin");
  const pages = usePages("");
  const list = api.useQuery("get", PATH, { params: { query: { limit: A_PAGE, cursor: pages.cursor } } });
  return (
    <>
      <PageHeader title={t("suppressions.title")} about={t("suppressions.about")} />
      <Stack gap="md">
        <Panel title={t("suppressions.add")}>
          <NewNumber />
        </Panel>
        <Answer of={list}>
          {({ suppressions: found }) =>
            found.length === 0 ? (
              <EmptyState icon={IconPhoneX} title={t("suppressions.none.title")} body={t("suppressions.none.body")} />
            ) : (
              <Listed rows={found} />
            )
          }
        </Answer>
        <Pager pages={pages} following={list.data?.next_cursor} busy={list.isPlaceholderData} />
      </Stack>
    </>
  );
}

function NewNumber() {
  const t = useT("admin");
  const act = useAct();
  const answers = useQueryClient();
  const [busy, setBusy] = useState(false);
  const form = useForm({
    initialValues: { phone: "", reason: "" },
    validate: {
      phone: (phone) => (/^\+[\d\s()-]{6,20}$/.test(phone.trim()) ? null : t("suppressions.phone_wrong")),
      reason: (reason) => (reason.trim() ? null : t("suppressions.reason_missing")),
    },
  });
  const add = form.onSubmit(async ({ phone, reason }) => {
    setBusy(true);
    const body = { phone: phone.trim(), reason: reason.trim() };
    if (await act(() => client.POST(PATH, { body }), t("suppressions.added"))) {
      form.reset();
      await answers.invalidateQueries({ queryKey: ["get", PATH] });
    }
    setBusy(false);
  });
  return (
    <form onSubmit={add} noValidate>
      <Group align="flex-start" gap="sm">
        <TextInput
          label={t("suppressions.phone")}
          description={t("suppressions.phone_hint")}
          dir="ltr"
          inputMode="tel"
          required
          {...form.getInputProps("phone")}
        />
        <TextInput
          label={t("suppressions.reason")}
          description={t("suppressions.reason_hint")}
          required
          {...form.getInputProps("reason")}
        />
        <Button type="submit" loading={busy} mt="2.7rem">
          {t("suppressions.add")}
        </Button>
      </Group>
    </form>
  );
}

function Listed({ rows }: { rows: Suppression[] }) {
  const t = useT("admin");
  const act = useAct();
  const confirm = useConfirm();
  const answers = useQueryClient();
  const take = async (phone: string) => {
    const sure = await confirm({
      title: t("suppressions.remove.title"),
      body: t("suppressions.remove.body", { phone }),
      confirm: t("suppressions.remove.yes"),
    });
    if (!sure) return;
    await act(() => client.DELETE("/api/admin/suppressions/{phone}", { params: { path: { phone } } }), t("suppressions.removed"));
    await answers.invalidateQueries({ queryKey: ["get", PATH] });
  };
  return (
    <DataTable
      label={t("suppressions.title")}
      rows={rows}
      keyOf={({ phone }) => phone}
      columns={[
        { id: "phone", header: t("suppressions.phone"), cell: ({ phone }) => <bdi dir="ltr">{phone}</bdi>, whole: true },
        { id: "reason", header: t("suppressions.reason"), cell: ({ reason }) => <bdi>{reason}</bdi> },
        { id: "since", header: t("suppressions.since"), cell: ({ created_at: at }) => <Moment at={at} />, whole: true },
        {
          id: "remove",
          header: "",
          end: true,
          cell: ({ phone }) => (
            <Button
              size="xs"
              variant="subtle"
              color="red"
              leftSection={<IconTrash size={14} />}
              aria-label={t("suppressions.remove_named", { phone })}
              onClick={() => void take(phone)}
            >
              {t("suppressions.remove.yes")}
            </Button>
          ),
        },
      ]}
    />
  );
}
