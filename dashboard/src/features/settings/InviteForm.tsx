import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useBusiness, type Role } from "@/lib/session";
import { ErrorNote } from "@/ui/ErrorNote";
import { useLanguageOptions } from "./languages";
import { RoleSelect } from "./RoleSelect";

export interface InviteFormProps {
  opened: boolean;
  onClose: () => void;
  /** Told the link to pass on, where no mail is sent. */
  onLink: (link: string) => void;
}

/** Ask a person to join: address, role, language of the letter. */
export function InviteForm(props: InviteFormProps) {
  const t = useT("settings");
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={t("people.invite")}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <Form {...props} />
    </Modal>
  );
}

function Form({ onClose, onLink }: InviteFormProps) {
  const t = useT("settings");
  const business = useBusiness();
  const languages = useLanguageOptions();
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useForm<{ email: string; role: Role; language: string }>({
    initialValues: { email: "", role: "agent", language: business.language },
  });
  const send = form.onSubmit(async (body) => {
    setBusy(true);
    setFailure(null);
    let made: Schema<"InvitationSent"> | undefined;
    try {
      made = (await client.POST("/api/invitations", { body })).data;
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
    if (!made) return;
    const { link } = made;
    onClose();
    if (link) onLink(link);
    else notifications.show({ color: "trunk", message: t("invitations.made", { email: made.email }) });
  });
  return (
    <form onSubmit={send}>
      <Stack>
        {failure !== null && <ErrorNote error={failure} />}
        <TextInput
          {...form.getInputProps("email")}
          type="email"
          label={t("people.email")}
          dir="ltr"
          required
          withAsterisk={false}
          data-autofocus
          autoComplete="off"
        />
        <RoleSelect value={form.values.role} onChange={(role) => form.setFieldValue("role", role)} />
        <Select
          {...form.getInputProps("language")}
          label={t("invitations.language")}
          data={languages}
          allowDeselect={false}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" loading={busy}>
            {t("invitations.send")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
