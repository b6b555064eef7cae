// Joining a business by an invitation's link.

import { Button, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useEffect, useState } from "react";
import { api, client, type Schema } from "@/lib/api";
import { hasCode } from "@/lib/errors";
import { chooseLanguage, isLanguage, keptLanguage, useLanguage, useT } from "@/lib/i18n";
import { ErrorNote } from "@/ui/ErrorNote";
import { Loading } from "@/ui/Loading";
import { Door, secretOfLink } from "./Door";
import { PasswordField } from "./PasswordField";

export default function InvitationPage() {
  const t = useT("settings");
  const [secret] = useState(secretOfLink);
  const offer = api.useMutation("post", "/api/join/offer");
  const { mutate } = offer;
  useEffect(() => {
    mutate({ body: { secret } });
  }, [mutate, secret]);
  if (hasCode(offer.error, "not_found", "invalid_input")) {
    return <Door title={t("join.over")} about={t("join.over_about")} />;
  }
  if (offer.isError) {
    return (
      <Door title={t("join.unread")}>
        <ErrorNote error={offer.error} retry={() => mutate({ body: { secret } })} />
      </Door>
    );
  }
  if (!offer.data) return <Loading />;
  return <Offer secret={secret} offer={offer.data} />;
}

function Offer({ secret, offer }: { secret: string; offer: Schema<"OfferOut"> }) {
  const t = useT("settings");
  const language = useLanguage();
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useForm({ initialValues: { name: "", password: "" } });

  // The letter's language, unless another was chosen in this browser.
  useEffect(() => {
    if (keptLanguage() === null && isLanguage(offer.language)) void chooseLanguage(offer.language);
  }, [offer.language]);

  const join = form.onSubmit(async (body) => {
    setBusy(true);
    setFailure(null);
    try {
      await client.POST("/api/join", { body: { ...body, secret, language } });
      location.assign("/");
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  });
  return (
    <Door
      title={t("join.title", { business: offer.business })}
      about={t("join.about", { by: offer.invited_by, role: t(`role.${offer.role}`) })}
    >
      <form onSubmit={join}>
        <Stack>
          {failure !== null && <ErrorNote error={failure} />}
          <TextInput label={t("people.email")} value={offer.email} readOnly dir="ltr" autoComplete="username" />
          <TextInput
            {...form.getInputProps("name")}
            label={t("join.name")}
            dir="auto"
            autoComplete="name"
            required
            withAsterisk={false}
            maxLength={200}
            autoFocus
          />
          <PasswordField {...form.getInputProps("password")} label={t("join.password")} isNew />
          <Button type="submit" loading={busy}>
            {t("join.button")}
          </Button>
        </Stack>
      </form>
    </Door>
  );
}
