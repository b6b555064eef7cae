// What becomes of who comes through a webhook: name, status, list, tags, and under which names fields are sent.

import { Accordion, Button, Group, Select, SimpleGrid, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useOwnNames } from "@/features/leads/useOwn";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { ErrorNote } from "@/ui/ErrorNote";
import { useQueryClient } from "@tanstack/react-query";

interface Props {
  webhook: Schema<"WebhookOut"> | null;
  fields: string[];
  done: (made: Schema<"WebhookWithSecret"> | null) => void;
}

export function WebhookForm({ webhook, fields, done }: Props) {
  const t = useT("leadflow");
  const named = useOwnNames();
  const queries = useQueryClient();
  const statuses = api.useQuery("get", "/api/lead-statuses");
  const lists = api.useQuery("get", "/api/lead-lists");
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useForm({
    initialValues: {
      name: webhook?.name ?? "",
      status_id: webhook?.status_id ?? null,
      list_id: webhook?.list_id ?? null,
      tags: webhook?.tags ?? [],
      mapping: Object.fromEntries(fields.map((field) => [field, webhook?.mapping[field] ?? ""])),
    },
    validate: { name: (name) => (name.trim() ? null : t("webhooks.name_missing")) },
  });
  const save = form.onSubmit(async (values) => {
    setBusy(true);
    setFailure(null);
    const mapping = Object.fromEntries(Object.entries(values.mapping).filter(([, name]) => name.trim()));
    const facts = { ...values, mapping };
    try {
      if (webhook) {
        const params = { path: { webhook_id: webhook.id } };
        await client.PATCH("/api/lead-webhooks/{webhook_id}", { params, body: { version: webhook.version, ...facts } });
        done(null);
      } else {
        const { data } = await client.POST("/api/lead-webhooks", { body: facts });
        done(data ?? null);
      }
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
      void queries.invalidateQueries();
    }
  });
  return (
    <form onSubmit={save} noValidate>
      <Stack gap="sm">
        <TextInput {...form.getInputProps("name")} label={t("webhooks.name")} description={t("webhooks.name_about")} maxLength={100} dir="auto" data-autofocus />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Select
            {...form.getInputProps("status_id")}
            label={t("webhooks.status")}
            placeholder={t("webhooks.status_first")}
            data={(statuses.data ?? []).map((status) => ({ value: status.id, label: status.name }))}
            clearable
            clearButtonProps={{ "aria-label": t("rules.clear") }}
          />
          <Select
            {...form.getInputProps("list_id")}
            label={t("webhooks.list")}
            placeholder={t("webhooks.list_none")}
            data={(lists.data ?? []).map((list) => ({ value: list.id, label: list.name }))}
            searchable
            clearable
            clearButtonProps={{ "aria-label": t("rules.clear") }}
          />
        </SimpleGrid>
        <TagsInput {...form.getInputProps("tags")} label={t("webhooks.tags")} description={t("webhooks.tags_hint")} maxTags={20} />
        <Accordion variant="contained">
          <Accordion.Item value="fields">
            <Accordion.Control>{t("webhooks.fields")}</Accordion.Control>
            <Accordion.Panel>
              <Text size="sm" c="dimmed" mb="xs">
                {t("webhooks.fields_about")}
              </Text>
              <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
                {fields.map((field) => (
                  <TextInput
                    key={field}
                    {...form.getInputProps(`mapping.${field}`)}
                    size="xs"
                    label={named(field) ?? t(`field.${field}`)}
                    placeholder={field}
                    dir="ltr"
                    maxLength={200}
                  />
                ))}
              </SimpleGrid>
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
        {failure !== null && <ErrorNote error={failure} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => done(null)}>
            {t("cancel")}
          </Button>
          <Button type="submit" loading={busy}>
            {t(webhook ? "save" : "webhooks.make")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
