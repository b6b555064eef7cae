// Somebody new, by hand.

import { Button, Group, Modal, Select, Stack, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, client } from "@/lib/api";
import { hasCode } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { usePeople } from "@/lib/people";
import { ErrorNote } from "@/ui/ErrorNote";
import { TextLink } from "@/ui/LinkTo";
import { OwnInput } from "./own";
import { useOwnFields, type Value } from "./useOwn";

export function NewLead({ opened, close }: { opened: boolean; close: () => void }) {
  const t = useT("leads");
  return (
    <Modal opened={opened} onClose={close} title={t("new.title")} closeButtonProps={{ "aria-label": t("close") }}>
      <Form close={close} />
    </Modal>
  );
}

function Form({ close }: { close: () => void }) {
  const t = useT("leads");
  const navigate = useNavigate();
  const statuses = api.useQuery("get", "/api/lead-statuses");
  const tags = api.useQuery("get", "/api/lead-tags");
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const own = useOwnFields();
  const people = usePeople();
  const [values, setValues] = useState<Record<string, Value>>({});
  const form = useForm({
    initialValues: {
      phone: "", name: "", email: "", notes: "", tags: [] as string[], status_id: null as string | null, owner_id: null as string | null,
    },
    validate: { phone: (phone) => (phone.trim() ? null : t("new.phone_missing")) },
  });
  const save = form.onSubmit(async ({ phone, name, email, notes, tags: given, status_id, owner_id }) => {
    setBusy(true);
    setFailure(null);
    try {
      const { data } = await client.POST("/api/leads", {
        body: {
          phone, name, email: email.trim() || null, notes: notes.trim() || null, tags: given, status_id, owner_id,
          fields: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)),
        },
      });
      if (data) await navigate({ to: `/leads/${data.id}` });
    } catch (error) {
      if (hasCode(error, "invalid_input") && error.data.field === "phone") form.setFieldError("phone", t("new.phone_wrong"));
      else if (hasCode(error, "invalid_input") && error.data.field === "email") form.setFieldError("email", t("new.email_wrong"));
      else setFailure(error);
    } finally {
      setBusy(false);
    }
  });
  return (
    <form onSubmit={save} noValidate>
      <Stack gap="sm">
        {hasCode(failure, "number_known", "address_known") ? (
          <Text role="alert" size="sm" c="red">
            {t(hasCode(failure, "number_known") ? "new.known" : "new.email_known")}{" "}
            <TextLink to={`/leads/${String(failure.data.lead_id)}`} underline="always">
              {t("new.open_known")}
            </TextLink>
          </Text>
        ) : (
          failure !== null && <ErrorNote error={failure} />
        )}
        <TextInput
          label={t("field.phone")}
          description={t("new.phone_hint")}
          type="tel"
          dir="ltr"
          required
          data-autofocus
          {...form.getInputProps("phone")}
        />
        <TextInput label={t("field.name")} {...form.getInputProps("name")} />
        <TextInput label={t("field.email")} type="email" dir="ltr" {...form.getInputProps("email")} />
        <Select
          label={t("field.status")}
          data={(statuses.data ?? []).map((status) => ({ value: status.id, label: status.name }))}
          placeholder={statuses.data?.find((status) => status.is_initial)?.name}
          clearable
          {...form.getInputProps("status_id")}
        />
        <Select
          label={t("field.owner_id")}
          placeholder={t("owner.nobody")}
          data={people}
          searchable
          clearable
          {...form.getInputProps("owner_id")}
        />
        {own.map((field) => (
          <OwnInput
            key={field.key}
            field={field}
            value={values[field.key]}
            onChange={(value) => setValues((before) => ({ ...before, [field.key]: value }))}
          />
        ))}
        <TagsInput
          label={t("field.tags")}
          description={t("field.tags_hint")}
          data={tags.data?.tags ?? []}
          maxTags={20}
          {...form.getInputProps("tags")}
        />
        <Textarea label={t("field.notes")} autosize minRows={2} maxRows={8} {...form.getInputProps("notes")} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t("cancel")}
          </Button>
          <Button type="submit" loading={busy}>
            {t("new.save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
