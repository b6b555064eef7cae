// The frame: header, navigation, banners, and the page in the middle.

import { ActionIcon, AppShell, Box, Burger, Group, Tooltip } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { Banners } from "@/app/Banners";
import { Bell } from "@/app/Bell";
import { openKeys } from "@/app/Keys";
import { LanguageMenu } from "@/app/LanguageMenu";
import { Navigation } from "@/app/Navigation";
import { SchemeButton } from "@/app/SchemeButton";
import { PersonMenu } from "@/app/PersonMenu";
import { Wordmark } from "@/app/Wordmark";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import classes from "./Shell.module.css";

const Palette = lazy(() => import("@/app/Palette"));

export function Shell({ children }: { children: ReactNode }) {
  const t = useT("shell");
  const { business } = useSession();
  const [open, { toggle, close }] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [palette, setPalette] = useState(0);
  const openPalette = () => setPalette((times) => times + 1);
  // By the key's place: on a Hebrew keyboard K is another letter. It works while one is typing, too.
  useHotkeys([["mod+K", openPalette, { usePhysicalKeys: true }]], []);
  useHotkeys([["shift+?", openKeys], ["?", openKeys]]);
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    close();
    // Whoever goes by keyboard or by ear begins at the page's beginning.
    main.current?.focus({ preventScroll: true });
  }, [path, close]);

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 228, breakpoint: "sm", collapsed: { mobile: !open } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <a className="skip" href="#content">
        {t("skip")}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm" wrap="nowrap" justify="space-between">
          <Group gap="sm" wrap="nowrap" miw={0}>
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t("menu")} aria-expanded={open} />
            <Wordmark />
            {business && (
              <Box className={classes.business} visibleFrom="xs">
                <bdi>{business.name}</bdi>
              </Box>
            )}
          </Group>
          <Group gap={4} wrap="nowrap">
            <Tooltip label={t("palette.open")}>
              <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("palette.open")} onClick={openPalette}>
                <IconSearch size={20} />
              </ActionIcon>
            </Tooltip>
            {business && <Bell />}
            <LanguageMenu />
            <SchemeButton />
            <PersonMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar aria-label={t("nav.label")} className={classes.beside} data-closed={!open || undefined}>
        <div className={classes.navigation}>
          <Navigation path={path} />
        </div>
      </AppShell.Navbar>
      <AppShell.Main ref={main} id="content" tabIndex={-1} className={classes.main}>
        <Banners />
        <div className={classes.page}>{children}</div>
      </AppShell.Main>
      <Suspense fallback={null}>{palette > 0 && <Palette asked={palette} />}</Suspense>
    </AppShell>
  );
}
