// Connecting a number: what WhatsApp's developer pages show of it is typed here once, and told to nobody again.

import { Button, Group, PasswordInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { phoneOptions } from "@/lib/phones";
import { Answer } from "@/ui/Answer";
import { ErrorNote } from "@/ui/ErrorNote";

const WHATSAPP = "whatsapp";
const NOTHING = { provider: WHATSAPP, name: "", address: "", account: "", owner: "", key: "", secret: "" };
type Given = typeof NOTHING;

export function ConnectForm({ close }: { close: () => void }) {
  const providers = api.useQuery("get", "/api/chat-providers");
  return <Answer of={providers}>{(names) => <Form providers={names} close={close} />}</Answer>;
}

function Form({ providers, close }: { providers: string[]; close: () => void }) {
  const t = useT("inbox");
  const queries = useQueryClient();
  const numbers = api.useQuery("get", "/api/business/numbers");
  const [given, setGiven] = useState<Given>(NOTHING);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const isWhatsapp = given.provider === WHATSAPP;
  const set = (change: Partial<Given>) => setGiven((before) => ({ ...before, ...change }));
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    const { provider, name, address } = given;
    const body = (isWhatsapp ? given : { provider, name, address }) as Schema<"AccountIn">;
    try {
      await client.POST("/api/chat-accounts", { body });
    } catch (error) {
      setFailure(error);
      return;
    } finally {
      setBusy(false);
    }
    void queries.invalidateQueries();
    notifications.show({ color: "trunk", message: t("accounts.connected") });
    close();
  };
  const field = (name: keyof Given) => ({
    value: given[name],
    onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value }),
    label: t(`accounts.field.${name}`),
    required: true,
    withAsterisk: false,
    dir: "ltr" as const,
  });
  return (
    <form onSubmit={(event) => void save(event)} autoComplete="off">
      <Stack>
        {failure !== null && <ErrorNote error={failure} />}
        <Select
          label={t("accounts.field.provider")}
          data={providers.map((value) => ({ value, label: t(`provider.${value}`) }))}
          value={given.provider}
          onChange={(provider) => set({ provider: provider ?? WHATSAPP, address: "" })}
          allowDeselect={false}
        />
        <Text size="sm" c="dimmed">
          {t(isWhatsapp ? "accounts.whatsapp_about" : "accounts.sms_about")}
        </Text>
        <TextInput {...field("name")} required={false} dir="auto" description={t("accounts.name_about")} maxLength={100} />
        {isWhatsapp ? (
          <>
            <TextInput {...field("address")} type="tel" description={t("accounts.address_about")} />
            <TextInput {...field("account")} inputMode="numeric" description={t("accounts.account_about")} />
            <TextInput {...field("owner")} inputMode="numeric" description={t("accounts.owner_about")} />
            <Secrets given={given} set={set} />
          </>
        ) : (
          <Select
            label={t("accounts.field.address")}
            description={t("accounts.sms_number")}
            data={phoneOptions((numbers.data ?? []).map(({ e164 }) => e164))}
            value={given.address || null}
            onChange={(address) => set({ address: address ?? "" })}
            required
            withAsterisk={false}
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t("cancel")}
          </Button>
          <Button type="submit" loading={busy}>
            {t("accounts.connect")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The two keys of a number at WhatsApp. */
export function Secrets({ given, set }: { given: Pick<Given, "key" | "secret">; set: (change: Partial<Given>) => void }) {
  const t = useT("inbox");
  return (
    <>
      {(["key", "secret"] as const).map((name) => (
        <PasswordInput
          key={name}
          label={t(`accounts.field.${name}`)}
          description={t(`accounts.${name}_about`)}
          value={given[name]}
          onChange={(event) => set({ [name]: event.currentTarget.value })}
          required
          withAsterisk={false}
          dir="ltr"
          autoComplete="off"
          minLength={8}
          visibilityToggleButtonProps={{ "aria-label": t("accounts.show") }}
        />
      ))}
    </>
  );
}
