// The frame of pages for those who are not signed in: a card in the middle, with language and colours to choose.

import { Card, Center, Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import { LanguageMenu } from "@/app/LanguageMenu";
import { SchemeButton } from "@/app/SchemeButton";
import { Wordmark } from "@/app/Wordmark";
import { useT } from "@/lib/i18n";
import { TextLink } from "@/ui/LinkTo";

export interface DoorProps {
  title: string;
  about?: ReactNode;
  children?: ReactNode;
}

export function Door({ title, about, children }: DoorProps) {
  const t = useT("settings");
  const shell = useT("shell");
  useDocumentTitle(shell("title", { page: title }));
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack w="100%" maw="26rem" gap="lg">
        <Group justify="space-between">
          <Wordmark />
          <Group gap="xs">
            <LanguageMenu />
            <SchemeButton />
          </Group>
        </Group>
        <Card withBorder padding="lg">
          <Stack>
            <div>
              <Title order={1} dir="auto">
                {title}
              </Title>
              {about && (
                <Text c="dimmed" size="sm">
                  {about}
                </Text>
              )}
            </div>
            {children}
            <TextLink to="/" size="sm">
              {t("door.sign_in")}
            </TextLink>
          </Stack>
        </Card>
      </Stack>
    </Center>
  );
}

/** What stands behind the # of a one-time link. */
export function secretOfLink(): string {
  return location.hash.slice(1);
}
