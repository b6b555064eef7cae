// Whom calls are handed to, and what callers get who find every line taken.

import { ActionIcon, Button, Group, Radio, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { randomId } from "@mantine/hooks";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness } from "@/lib/session";
import { useAct } from "@/ui/act";
import { Panel } from "@/ui/Panel";
import { SettingsTabs } from "./SettingsTabs";

type WhenFull = Schema<"WhenFull">;
const WHEN_FULL: WhenFull[] = ["message", "voicemail", "callback"];

export default function TransfersPage() {
  const t = useT("settings");
  const business = useBusiness();
  const act = useAct();
  const [busy, setBusy] = useState(false);
  const form = useForm({
    initialValues: {
      extensions: business.extensions.map((row) => ({ ...row, key: randomId() })),
      transfer_numbers: business.transfer_numbers,
      when_full: business.when_full,
    },
  });
  const save = form.onSubmit(async ({ extensions, transfer_numbers, when_full }) => {
    setBusy(true);
    const rows = extensions.map(({ extension, name, number }) => ({ extension, name, number }));
    const body = { extensions: rows, transfer_numbers, when_full };
    const done = await act(async () => {
      const { data } = await client.PATCH("/api/business", { body });
      // Numbers come back in their international form.
      if (data) form.setFieldValue("transfer_numbers", data.transfer_numbers);
    }, t("saved"));
    setBusy(false);
    if (done) form.resetDirty();
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
