// A status of the business: made, or changed.

import { Button, ColorSwatch, Group, Modal, Select, Stack, Switch, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { ErrorNote } from "@/ui/ErrorNote";
import type { LeadStatus } from "./words";

type Colour = NonNullable<Schema<"StatusIn">["colour"]>;

const COLOURS: Colour[] = [
  "blue", "cyan", "teal", "green", "lime", "yellow", "orange", "red", "pink", "grape", "violet", "indigo", "gray",
];

export function StatusForm({ opened, close, status }: { opened: boolean; close: () => void; status: LeadStatus | null }) {
  const t = useT("leads");
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t(status ? "status.edit" : "board.add")}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <Form close={close} status={status} />
    </Modal>
  );
}

function Form({ close, status }: { close: () => void; status: LeadStatus | null }) {
  const t = useT("leads");
  const queries = useQueryClient();
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useForm({
    initialValues: {
      name: status?.name ?? "",
      colour: (status?.colour ?? "blue") as Colour,
      is_closed: status?.is_closed ?? false,
    },
    validate: { name: (name) => (name.trim() ? null : t("status.name_missing")) },
  });
  const save = form.onSubmit(async (body) => {
    setBusy(true);
    setFailure(null);
    try {
      if (status) {
        const params = { path: { status_id: status.id } };
        await client.PATCH("/api/lead-statuses/{status_id}", {
          params,
          body: body as Schema<"StatusChange">,
        });
      } else {
        await client.POST("/api/lead-statuses", { body });
      }
      await queries.invalidateQueries({ queryKey: ["get", "/api/lead-statuses"] });
      await queries.invalidateQueries({ queryKey: ["get", "/api/leads/board"] });
      close();
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  });
  return (
    <form onSubmit={save} noValidate>
      <Stack gap="sm">
        {failure !== null && <ErrorNote error={failure} />}
        <TextInput label={t("field.name")} maxLength={60} required data-autofocus {...form.getInputProps("name")} />
        <Select
          label={t("status.colour")}
          data={COLOURS.map((colour) => ({ value: colour, label: t(`colour.${colour}`) }))}
          allowDeselect={false}
          leftSection={<Swatch colour={form.values.colour} />}
          renderOption={({ option }) => (
            <Group gap="xs">
              <Swatch colour={option.value} /> {option.label}
            </Group>
          )}
          {...form.getInputProps("colour")}
        />
        <Switch
          label={t("status.closed")}
          description={t("status.closed_hint")}
          {...form.getInputProps("is_closed", { type: "checkbox" })}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t("cancel")}
          </Button>
          <Button type="submit" loading={busy}>
            {t("save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Swatch({ colour }: { colour: string }) {
  return <ColorSwatch size={14} color={`var(--mantine-color-${colour}-6)`} withShadow={false} />;
}
