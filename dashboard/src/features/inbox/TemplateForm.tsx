// Choosing an approved template, filling it in, and reading it before it goes.

import { Badge, Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { api, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { Answer } from "@/ui/Answer";
import { emptyValues, filledOf, idOf, isApproved, isFull, nameOfTemplate, namesOf, read, type Values } from "./templates";
import type { Template } from "./words";
import classes from "./Inbox.module.css";

interface Props {
  accountId: string;
  /** What the button says. */
  button: string;
  send: (template: Schema<"FilledTemplate">) => Promise<void>;
}

export function TemplateForm({ accountId, button, send }: Props) {
  const [busy, setBusy] = useState(false);
  const [chosen, setChosen] = useState<{ template: Template; values: Values } | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!chosen) return;
    setBusy(true);
    await send(filledOf(chosen.template, chosen.values));
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <PickTemplate
          accountId={accountId}
          value={chosen?.template ?? null}
          onChange={(template) => setChosen({ template, values: emptyValues(template) })}
        />
        {chosen && (
          <>
            <TemplateFields {...chosen} onChange={(values) => setChosen({ ...chosen, values })} />
            <TemplatePreview {...chosen} />
            <Group justify="flex-end">
              <Button type="submit" loading={busy} disabled={!isFull(chosen.values)}>
                {button}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </form>
  );
}

interface PickProps {
  accountId: string;
  value: Template | null;
  onChange: (template: Template) => void;
}

export function PickTemplate({ accountId, value, onChange }: PickProps) {
  const t = useT("inbox");
  const templates = api.useQuery("get", "/api/chat-accounts/{account_id}/templates", {
    params: { path: { account_id: accountId } },
  });
  return (
    <Answer of={templates}>
      {(all) => {
        const rows = all.filter(isApproved);
        if (rows.length === 0) return <Text c="dimmed">{t("template.none")}</Text>;
        return (
          <Select
            label={t("template.which")}
            placeholder={t("template.which_hint")}
            searchable={rows.length > 8}
            allowDeselect={false}
            value={value && idOf(value)}
            onChange={(id) => {
              const template = rows.find((row) => idOf(row) === id);
              if (template) onChange(template);
            }}
            data={rows.map((row) => ({ value: idOf(row), label: nameOfTemplate(row) }))}
          />
        );
      }}
    </Answer>
  );
}

interface FieldsProps {
  template: Template;
  values: Values;
  onChange: (values: Values) => void;
  /** What may stand in a field, said below it. */
  hint?: string;
}

/** A field for each variable of a template. */
export function TemplateFields({ template, values, onChange, hint }: FieldsProps) {
  const t = useT("inbox");
  const names = namesOf(template);
  const set = (part: keyof Values, index: number, value: string) =>
    onChange({ ...values, [part]: values[part].map((one, place) => (place === index ? value : one)) });
  const named = (index: number) => names[index] ?? String(index + 1);
  return (
    <>
      {values.header.map((value, index) => (
        <TextInput
          key={`header${index}`} dir="auto" required withAsterisk={false} label={t("template.header", { name: named(index) })}
          description={hint} value={value} onChange={(event) => set("header", index, event.currentTarget.value)}
        />
      ))}
      {values.body.map((value, index) => (
        <TextInput
          key={`body${index}`} dir="auto" required withAsterisk={false}
          label={t("template.variable", { name: named(values.header.length * Number(names.length > 0) + index) })}
          description={hint} value={value} onChange={(event) => set("body", index, event.currentTarget.value)}
        />
      ))}
      {values.buttons.map((value, index) => (
        <TextInput
          key={`button${index}`} dir="auto" required withAsterisk={false} label={t("template.button", { number: index + 1 })}
          description={hint} value={value} onChange={(event) => set("buttons", index, event.currentTarget.value)}
        />
      ))}
    </>
  );
}

export function TemplatePreview({ template, values }: { template: Template; values: Values }) {
  const t = useT("inbox");
  return (
    <div>
      <Text size="sm" fw={500} mb={4}>
        {t("template.preview")}
      </Text>
      <div className={classes.preview} dir="auto" data-preview>
        {read(template, values)}
      </div>
      {template.buttons.length > 0 && (
        <Group gap={4} mt={4}>
          {template.buttons.map((button) => (
            <Badge key={button} variant="outline">
              <bdi>{button}</bdi>
            </Badge>
          ))}
        </Group>
      )}
    </div>
  );
}
