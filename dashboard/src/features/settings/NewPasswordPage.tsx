// Choosing a new password by a link.

import { Button, Stack } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { ErrorNote } from "@/ui/ErrorNote";
import { TextLink } from "@/ui/LinkTo";
import { Notice } from "@/ui/Notice";
import { Door, secretOfLink } from "./Door";
import { PasswordField } from "./PasswordField";

export default function NewPasswordPage() {
  const t = useT("settings");
  const [secret] = useState(secretOfLink);
  const [password, setPassword] = useState("");
  const [done, setDone] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      await client.POST("/api/new-password", { body: { secret, password } });
      setDone(true);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  if (done) {
    return (
      <Door title={t("new_password.title")}>
        <Notice>{t("new_password.done")}</Notice>
      </Door>
    );
  }
  return (
    <Door title={t("new_password.title")} about={t("new_password.about")}>
      <form onSubmit={(event) => void save(event)}>
        <Stack>
          {failure !== null && <ErrorNote error={failure} />}
          {failure !== null && (
            <TextLink to="/forgotten" size="sm">
              {t("new_password.again")}
            </TextLink>
          )}
          <PasswordField
            label={t("password.new")}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            isNew
            autoFocus
          />
          <Button type="submit" loading={busy}>
            {t("new_password.save")}
          </Button>
        </Stack>
      </form>
    </Door>
  );
}
