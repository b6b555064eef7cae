// Other facts about a lead. What somebody else has saved meanwhile is not written over.

import { Button, Group, Modal, Select, Stack, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { hasCode } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { usePeople } from "@/lib/people";
import { ErrorNote } from "@/ui/ErrorNote";
import { TextLink } from "@/ui/LinkTo";
import { OwnInput } from "./own";
import { useOwnFields, type Value } from "./useOwn";
import type { Lead } from "./words";

export function EditLead({ lead, opened, close }: { lead: Lead; opened: boolean; close: () => void }) {
  const t = useT("leads");
  return (
    <Modal opened={opened} onClose={close} title={t("edit.title")} closeButtonProps={{ "aria-label": t("close") }}>
      <Form lead={lead} close={close} />
    </Modal>
  );
}

function Form({ lead, close }: { lead: Lead; close: () => void }) {
  const t = useT("leads");
  const queries = useQueryClient();
  const tags = api.useQuery("get", "/api/lead-tags");
  // The version that this form was filled from, whatever the page has read since.
  const [version] = useState(lead.version);
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const own = useOwnFields();
  const people = usePeople();
  const [values, setValues] = useState<Record<string, Value>>(lead.fields as Record<string, Value>);
  const form = useForm({
    initialValues: {
      name: lead.name, email: lead.email ?? "", notes: lead.notes ?? "", tags: lead.tags, owner_id: lead.owner_id as string | null,
    },
  });
  const save = form.onSubmit(async ({ name, email, notes, tags: given, owner_id }) => {
    setBusy(true);
    setFailure(null);
    try {
      const changed = Object.entries(values).filter(([key, value]) => (lead.fields[key] ?? null) !== value);
      const body: Schema<"LeadEdit"> = {
        version, name, email: email.trim() || null, notes: notes.trim() || null, tags: given, owner_id,
        fields: Object.fromEntries(changed),
      };
      const { data } = await client.PATCH("/api/leads/{lead_id}", { params: { path: { lead_id: lead.id } }, body });
      if (data) queries.setQueryData(["get", "/api/leads/{lead_id}", { params: { path: { lead_id: lead.id } } }], data);
      await queries.invalidateQueries({ queryKey: ["get", "/api/leads/{lead_id}/timeline"] });
      close();
    } catch (error) {
      if (hasCode(error, "invalid_input") && error.data.field === "email") form.setFieldError("email", t("new.email_wrong"));
      else setFailure(error);
    } finally {
      setBusy(false);
    }
  });
  return (
    <form onSubmit={save} noValidate>
      <Stack gap="sm">
        {hasCode(failure, "address_known") ? (
          <Text role="alert" size="sm" c="red">
            {t("new.email_known")}{" "}
            <TextLink to={`/leads/${String(failure.data.lead_id)}`} underline="always">
              {t("new.open_known")}
            </TextLink>
          </Text>
        ) : (
          failure !== null && <ErrorNote error={failure} />
        )}
        <TextInput label={t("field.name")} maxLength={200} data-autofocus {...form.getInputProps("name")} />
        <TextInput label={t("field.email")} type="email" dir="ltr" maxLength={320} {...form.getInputProps("email")} />
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
        <Textarea
          label={t("field.notes")}
          autosize
          minRows={3}
          maxRows={12}
          maxLength={10_000}
          {...form.getInputProps("notes")}
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
