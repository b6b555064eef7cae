// Asking for a link for a new password. The answer is the same whoever has the address, or nobody.

import { Button, Stack, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { ErrorNote } from "@/ui/ErrorNote";
import { Notice } from "@/ui/Notice";
import { Door } from "./Door";

export default function ForgottenPage() {
  const t = useT("settings");
  const [email, setEmail] = useState("");
  const [asked, setAsked] = useState<"by_mail" | "no_mail" | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const { data } = await client.POST("/api/password-links", { body: { email } });
      setAsked(data?.mail ? "by_mail" : "no_mail");
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Door title={t("forgotten.title")} about={asked ? undefined : t("forgotten.about")}>
      {asked === "by_mail" && <Notice>{t("forgotten.asked")}</Notice>}
      {asked === "no_mail" && <Notice>{t("forgotten.no_mail")}</Notice>}
      {asked === null && (
        <form onSubmit={(event) => void send(event)}>
          <Stack>
            {failure !== null && <ErrorNote error={failure} />}
            <TextInput
              type="email"
              label={t("people.email")}
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
              autoComplete="username"
              dir="ltr"
              required
              withAsterisk={false}
              autoFocus
            />
            <Button type="submit" loading={busy}>
              {t("forgotten.send")}
            </Button>
          </Stack>
        </form>
      )}
    </Door>
  );
}
