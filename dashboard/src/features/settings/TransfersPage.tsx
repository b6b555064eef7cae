// Whom calls are handed to, and what callers get who find every line taken.

import { ActionIcon, Button, Group, Radio, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { randomId } from "@mantine/hooks";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Panel } from "@/ui/Panel";
import { useKeptForm } from "@/ui/useKeptForm";
import { SettingsTabs } from "./SettingsTabs";
import { useBusinessChange } from "./useBusinessChange";

type WhenFull = Schema<"WhenFull">;
const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
const WHEN_FULL: WhenFull[] = ["message", "voicemail", "callback"];

export default function TransfersPage() {
  const t = useT("settings");
  const business = useBusiness();
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const change = useBusinessChange();
  const [form, changed] = useKeptForm({
    extensions: business.extensions.map((row) => ({ ...row, key: randomId() })),
    transfer_numbers: business.transfer_numbers,
    when_full: business.when_full,
  });
  const save = form.onSubmit(async (values) => {
    setBusy(true);
    const { extensions, ...rest } = changed(values);
    const rows = extensions?.map(({ extension, name, number }) => ({ extension, name, number }));
    await act(async () => {
      const now = await change({ ...rest, ...(rows && { extensions: rows }) });
      // Numbers come back in their international form; what was typed meanwhile stays.
      const { transfer_numbers, extensions: typed } = form.getValues();
      if (isSame(transfer_numbers, values.transfer_numbers)) form.setFieldValue("transfer_numbers", now.transfer_numbers);
      if (isSame(typed, values.extensions)) {
        form.setFieldValue("extensions", now.extensions.map((row, index) => ({ ...row, key: typed[index]?.key ?? randomId() })));
      }
    }, t("saved"));
    setBusy(false);
  });
  return (
    <>
      <SettingsTabs title={t("transfers.title")} about={t("transfers.about")} />
      <form onSubmit={save}>
        <Stack>
          <Panel title={t("transfers.extensions")} about={t("transfers.extensions_about")}>
            <Stack>
              {form.values.extensions.length === 0 && (
                <Text size="sm" c="dimmed">
                  {t("transfers.no_extensions")}
                </Text>
              )}
              {form.values.extensions.map((row, index) => (
                <Group key={row.key} align="flex-end" gap="xs" wrap="wrap">
                  <TextInput
                    {...form.getInputProps(`extensions.${index}.extension`)}
                    label={t("transfers.extension")}
                    w="6.5rem"
                    dir="ltr"
                    inputMode="numeric"
                    pattern="[0-9]{1,6}"
                    required
                    withAsterisk={false}
                  />
                  <TextInput {...form.getInputProps(`extensions.${index}.name`)} label={t("transfers.name")} flex="1 1 9rem" dir="auto" />
                  <TextInput
                    {...form.getInputProps(`extensions.${index}.number`)}
                    label={t("numbers.number")}
                    flex="1 1 9rem"
                    dir="ltr"
                    type="tel"
                    required
                    withAsterisk={false}
                  />
                  <ActionIcon
                    variant="subtle"
                    color="red"
                    size="lg"
                    aria-label={t("transfers.remove", { extension: row.extension })}
                    onClick={() => form.removeListItem("extensions", index)}
                  >
                    <IconTrash size={18} />
                  </ActionIcon>
                </Group>
              ))}
              <Group>
                <Button
                  variant="default"
                  size="xs"
                  leftSection={<IconPlus size={16} />}
                  onClick={() => form.insertListItem("extensions", { extension: "", name: "", number: "", key: randomId() })}
                >
                  {t("transfers.add")}
                </Button>
              </Group>
              <TagsInput
                {...form.getInputProps("transfer_numbers")}
                label={t("transfers.numbers")}
                description={t("transfers.numbers_about")}
                dir="ltr"
                clearable
                clearButtonProps={{ "aria-label": t("transfers.clear") }}
              />
            </Stack>
          </Panel>
          <Panel title={t("transfers.when_full")}>
            <Radio.Group {...form.getInputProps("when_full")} aria-label={t("transfers.when_full")}>
              <Stack gap="xs">
                {WHEN_FULL.map((what) => (
                  <Radio key={what} value={what} label={t(`when_full.${what}`)} description={t(`when_full_means.${what}`)} />
                ))}
              </Stack>
            </Radio.Group>
          </Panel>
          <Group>
            <Button type="submit" loading={busy}>
              {t("save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </>
  );
}
