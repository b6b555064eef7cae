// Every business of the installation: find one, enter it, found another.

import { Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { IconBuildingStore, IconPlus } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { PageHeader } from "@/ui/PageHeader";
import { SearchInput } from "@/ui/SearchInput";
import { StatusBadge } from "@/ui/StatusBadge";

type Business = Schema<"BusinessOut">;

export default function BusinessesPage() {
  const t = useT("admin");
  const [opened, { open, close }] = useDisclosure(false);
  const [words, setWords] = useState("");
  const businesses = api.useQuery("get", "/api/admin/businesses");
  return (
    <>
      <PageHeader title={t("businesses.title")} about={t("businesses.about")}>
        <Button leftSection={<IconPlus size={16} />} onClick={open}>
          {t("businesses.found")}
        </Button>
      </PageHeader>
      <Answer of={businesses}>
        {(found) =>
          found.length === 0 ? (
            <EmptyState icon={IconBuildingStore} title={t("businesses.none.title")} body={t("businesses.none.body")}>
              <Button onClick={open}>{t("businesses.found")}</Button>
            </EmptyState>
          ) : (
            <Stack gap="md">
              <Group>
                <SearchInput label={t("businesses.find")} value={words} onChange={setWords} />
              </Group>
              <Listed businesses={found.filter(({ name }) => name.toLocaleLowerCase().includes(words.trim().toLocaleLowerCase()))} />
            </Stack>
          )
        }
      </Answer>
      <Modal opened={opened} onClose={close} title={t("businesses.found")} closeButtonProps={{ "aria-label": t("close") }}>
        <NewBusiness onDone={close} />
      </Modal>
    </>
  );
}

function Listed({ businesses }: { businesses: Business[] }) {
  const t = useT("admin");
  const { business: now, enter } = useSession();
  const [busy, setBusy] = useState<string | null>(null);
  if (businesses.length === 0) return <Text c="dimmed">{t("businesses.none_such")}</Text>;
  return (
    <DataTable
      label={t("businesses.title")}
      rows={businesses}
      keyOf={({ id }) => id}
      columns={[
        {
          id: "name",
          header: t("businesses.name"),
          cell: (business) => (
            <Group gap="xs">
              <Text fw={600} size="sm">
                <bdi>{business.name}</bdi>
              </Text>
              {business.id === now?.id && <StatusBadge tone="busy">{t("businesses.here")}</StatusBadge>}
            </Group>
          ),
        },
        { id: "zone", header: t("businesses.zone"), cell: ({ time_zone }) => <bdi dir="ltr">{time_zone}</bdi> },
        { id: "language", header: t("businesses.language"), cell: ({ language }) => t(`language.${language}`) },
        {
          id: "lines",
          header: t("businesses.lines"),
          cell: (business) => t("businesses.line_count", { outbound: business.max_outbound_calls, all: business.max_calls }),
        },
        {
          id: "enter",
          header: "",
          end: true,
          cell: ({ id, name }) => (
            <Button
              size="xs"
              variant="default"
              loading={busy === id}
              aria-label={t("businesses.enter_named", { name })}
              onClick={() => {
                setBusy(id);
                void enter(id).finally(() => setBusy(null));
              }}
            >
              {t("businesses.enter")}
            </Button>
          ),
        },
      ]}
    />
  );
}

function NewBusiness({ onDone }: { onDone: () => void }) {
  const t = useT("admin");
  const act = useAct();
  const answers = useQueryClient();
  const [busy, setBusy] = useState(false);
  const form = useForm({
    initialValues: { name: "", time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone, language: "en", region: "" },
    validate: {
      name: (name) => (name.trim() ? null : t("businesses.name_missing")),
      region: (region) => (/^([A-Za-z]{2})?$/.test(region.trim()) ? null : t("businesses.region_wrong")),
    },
  });
  const found = form.onSubmit(async ({ name, time_zone, language, region }) => {
    setBusy(true);
    const body = { name: name.trim(), time_zone, language, region: region.trim().toUpperCase() || null };
    const done = await act(() => client.POST("/api/admin/businesses", { body }), t("businesses.done", { name: name.trim() }));
    setBusy(false);
    if (!done) return;
    await answers.invalidateQueries({ queryKey: ["get", "/api/admin/businesses"] });
    onDone();
  });
  return (
    <form onSubmit={found} noValidate>
      <Stack gap="sm">
        <TextInput label={t("businesses.name")} required data-autofocus {...form.getInputProps("name")} />
        <Select
          label={t("businesses.zone")}
          description={t("businesses.zone_hint")}
          data={Intl.supportedValuesOf("timeZone")}
          searchable
          allowDeselect={false}
          {...form.getInputProps("time_zone")}
        />
        <Select
          label={t("businesses.language")}
          data={["en", "he"].map((value) => ({ value, label: t(`language.${value}`) }))}
          allowDeselect={false}
          {...form.getInputProps("language")}
        />
        <TextInput
          label={t("businesses.region")}
          description={t("businesses.region_hint")}
          maxLength={2}
          dir="ltr"
          {...form.getInputProps("region")}
        />
        <Button type="submit" loading={busy}>
          {t("businesses.found")}
        </Button>
      </Stack>
    </form>
  );
}
