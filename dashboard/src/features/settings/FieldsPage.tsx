// The fields that the business gives its leads: made, put in order, put away and brought back.

import { ActionIcon, Button, Checkbox, Group, Menu, Modal, Select, Stack, TagsInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { IconDots, IconForms, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { useConfirm } from "@/ui/confirm";
import { DataTable, type Column } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorNote } from "@/ui/ErrorNote";
import { Panel } from "@/ui/Panel";
import { SettingsTabs } from "./SettingsTabs";

type Field = Schema<"FieldOut">;
type Kind = Field["kind"];

/** As instructions of agents name it. */
const inPrompts = (field: Field) => `{lead_${field.key}}`;

const KINDS: Kind[] = ["text", "number", "date", "choice", "yes_no"];

export default function FieldsPage() {
  const t = useT("settings");
  const [making, make] = useDisclosure();
  const fields = api.useQuery("get", "/api/lead-fields");
  return (
    <>
      <SettingsTabs
        title={t("fields.title")}
        about={t("fields.about")}
        actions={
          <Button leftSection={<IconPlus size={18} />} onClick={make.open}>
            {t("fields.add")}
          </Button>
        }
      />
      <Answer of={fields}>{(rows) => <Fields rows={rows} make={make.open} />}</Answer>
      {making && <FieldForm field={null} close={make.close} />}
    </>
  );
}

function Fields({ rows, make }: { rows: Field[]; make: () => void }) {
  const t = useT("settings");
  const open = rows.filter((field) => !field.is_archived);
  const away = rows.filter((field) => field.is_archived);
  const columns: Column<Field>[] = [
    { id: "label", header: t("fields.label"), cell: (field) => <bdi>{field.label}</bdi> },
    { id: "kind", header: t("fields.kind"), cell: (field) => t(`fields.kinds.${field.kind}`), whole: true },
    { id: "choices", header: t("fields.choices"), cell: (field) => <bdi>{field.choices.join(", ")}</bdi>, wide: true },
    { id: "in_table", header: t("fields.in_table"), cell: (field) => t(field.in_table ? "fields.yes" : "fields.no"), wide: true },
    { id: "key", header: t("fields.name_in_prompts"), cell: (field) => <code dir="ltr">{inPrompts(field)}</code>, wide: true, whole: true },
    { id: "acts", header: "", cell: (field) => <Acts field={field} last={open.length} />, end: true },
  ];
  return (
    <Stack>
      <Panel>
        {open.length === 0 ? (
          <EmptyState icon={IconForms} title={t("fields.empty.title")} body={t("fields.empty.body")}>
            <Button variant="default" onClick={make}>
              {t("fields.add")}
            </Button>
          </EmptyState>
        ) : (
          <DataTable label={t("fields.title")} columns={columns} rows={open} keyOf={(field) => field.id} />
        )}
      </Panel>
      {away.length > 0 && (
        <Panel title={t("fields.archived")} about={t("fields.archived_about")}>
          <DataTable label={t("fields.archived")} columns={columns} rows={away} keyOf={(field) => field.id} />
        </Panel>
      )}
    </Stack>
  );
}

function Acts({ field, last }: { field: Field; last: number }) {
  const t = useT("settings");
  const act = useAct();
  const confirm = useConfirm();
  const [editing, edit] = useDisclosure();
  const change = (body: Partial<Schema<"FieldChange">>) =>
    act(() =>
      client.PATCH("/api/lead-fields/{field_id}", {
        params: { path: { field_id: field.id } },
        body: body as Schema<"FieldChange">,
      }),
    );
  const archive = async () => {
    const question = { title: t("fields.archive_title", { label: field.label }), body: t("fields.archive_body"), confirm: t("fields.archive"), mild: true };
    if (await confirm(question)) await change({ is_archived: true });
  };
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t("fields.acts", { label: field.label })}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {field.is_archived ? (
            <Menu.Item onClick={() => void change({ is_archived: false, position: last + 1 })}>{t("fields.bring_back")}</Menu.Item>
          ) : (
            <>
              <Menu.Item onClick={edit.open}>{t("fields.edit")}</Menu.Item>
              <Menu.Item disabled={field.position <= 1} onClick={() => void change({ position: field.position - 1 })}>
                {t("fields.earlier")}
              </Menu.Item>
              <Menu.Item disabled={field.position >= last} onClick={() => void change({ position: field.position + 1 })}>
                {t("fields.later")}
              </Menu.Item>
              <Menu.Item onClick={() => void archive()}>{t("fields.archive")}</Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {editing && <FieldForm field={field} close={edit.close} />}
    </>
  );
}

function FieldForm({ field, close }: { field: Field | null; close: () => void }) {
  const t = useT("settings");
  const act = useAct();
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useForm({
    initialValues: {
      label: field?.label ?? "",
      kind: field?.kind ?? ("text" as Kind),
      choices: field?.choices ?? ([] as string[]),
      in_table: field?.in_table ?? true,
    },
    validate: {
      label: (label) => (label.trim() ? null : t("fields.label_missing")),
      choices: (choices, { kind }) => (kind === "choice" && choices.length === 0 ? t("fields.choices_missing") : null),
    },
  });
  const save = form.onSubmit(async ({ label, kind, choices, in_table }) => {
    setBusy(true);
    setFailure(null);
    const given = { label, in_table, choices: kind === "choice" ? choices : [] };
    try {
      if (field) {
        const params = { path: { field_id: field.id } };
        await client.PATCH("/api/lead-fields/{field_id}", { params, body: given as Schema<"FieldChange"> });
      } else {
        await client.POST("/api/lead-fields", { body: { ...given, kind } });
      }
      await act(() => Promise.resolve(), t("fields.saved"));
      close();
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  });
  return (
    <Modal opened onClose={close} title={t(field ? "fields.edit" : "fields.add")} closeButtonProps={{ "aria-label": t("close") }}>
      <form onSubmit={save} noValidate>
        <Stack gap="sm">
          {failure !== null && <ErrorNote error={failure} />}
          <TextInput label={t("fields.label")} description={t("fields.label_about")} maxLength={60} required data-autofocus {...form.getInputProps("label")} />
          <Select
            label={t("fields.kind")}
            description={field ? t("fields.kind_stays") : undefined}
            data={KINDS.map((kind) => ({ value: kind, label: t(`fields.kinds.${kind}`) }))}
            allowDeselect={false}
            disabled={field !== null}
            {...form.getInputProps("kind")}
          />
          {form.values.kind === "choice" && (
            <TagsInput label={t("fields.choices")} description={t("fields.choices_about")} maxTags={100} {...form.getInputProps("choices")} />
          )}
          <Checkbox label={t("fields.in_table_about")} {...form.getInputProps("in_table", { type: "checkbox" })} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t("cancel")}
            </Button>
            <Button type="submit" loading={busy}>
              {t("fields.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
