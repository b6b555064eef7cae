// The sign-in form, and the few things one may choose before.

import { Anchor, Button, Card, Center, Group, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useState, type FormEvent } from "react";
import { LanguageMenu } from "@/app/LanguageMenu";
import { SchemeButton } from "@/app/SchemeButton";
import { Wordmark } from "@/app/Wordmark";
import { actAs, client } from "@/lib/api";
import { useLanguage, useT } from "@/lib/i18n";
import type { Me } from "@/lib/session";
import { ErrorNote } from "@/ui/ErrorNote";
import { Notice } from "@/ui/Notice";
import { SIGN_IN_LINKS } from "@/features/signed-out";
import { LinkTo } from "@/ui/LinkTo";

export interface SignInProps {
  /** Whether a session has just ended by itself. */
  ended: boolean;
  entered: (me: Me) => Promise<void>;
}

export function SignIn({ ended, entered }: SignInProps) {
  const t = useT("shell");
  const language = useLanguage();
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [chosen, setChosen] = useState(false);
  useDocumentTitle(t("title", { page: t("sign_in.title") }));

  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entry = new FormData(event.currentTarget);
    const body = { email: String(entry.get("email")), password: String(entry.get("password")) };
    setBusy(true);
    setFailure(null);
    try {
      const { data } = await client.POST("/api/sign-in", { body });
      if (!data) throw new Error("The server let somebody in and did not say whom.");
      actAs(data);
      const me = chosen ? ((await client.PATCH("/api/me", { body: { language } })).data ?? data) : data;
      await entered(me);
    } catch (error) {
      setFailure(error);
      document.querySelector<HTMLInputElement>("#password")?.select();
    } finally {
      setBusy(false);
    }
  };

  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack w="100%" maw="24rem" gap="lg">
        <Group justify="space-between">
          <Wordmark />
          <Group gap="xs">
            <LanguageMenu onChosen={() => setChosen(true)} />
            <SchemeButton />
          </Group>
        </Group>
        <Card withBorder padding="lg">
          <form onSubmit={(event) => void send(event)}>
            <Stack>
              <div>
                <Title order={1}>{t("sign_in.title")}</Title>
                <Text c="dimmed" size="sm">
                  {t("sign_in.intro")}
                </Text>
              </div>
              {ended && !failure && <Notice>{t("sign_in.ended")}</Notice>}
              {failure !== null && <ErrorNote error={failure} />}
              <TextInput
                id="email"
                name="email"
                type="email"
                label={t("sign_in.email")}
                autoComplete="username"
                dir="ltr"
                required
                withAsterisk={false}
                autoFocus
              />
              <PasswordInput
                id="password"
                name="password"
                label={t("sign_in.password")}
                autoComplete="current-password"
                dir="ltr"
                required
                withAsterisk={false}
                visibilityToggleButtonProps={{ "aria-label": t("sign_in.show_password") }}
              />
              <Button type="submit" loading={busy}>
                {t("sign_in.button")}
              </Button>
              {SIGN_IN_LINKS.map(({ to, label }) => (
                <Anchor key={to} component={LinkTo} to={to} size="sm">
                  {t(label)}
                </Anchor>
              ))}
            </Stack>
          </form>
        </Card>
      </Stack>
    </Center>
  );
}
