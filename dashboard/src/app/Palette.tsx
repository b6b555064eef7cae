// The command palette: leads to every page, every command, and what the features find. Loaded when first asked for.

import "@mantine/spotlight/styles.css";
import { Box, Group } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { createSpotlight, Spotlight } from "@mantine/spotlight";
import { IconListSearch, IconSearch, type Icon } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { entriesFor } from "@/app/Navigation";
import { features } from "@/features";
import { HitText, kindOf, LEAST_LETTERS, Meant } from "@/features/search/found";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession, useZone } from "@/lib/session";

const OF_A_KIND = 5;

const [store, spotlight] = createSpotlight();

/** `asked`: how often it has been asked for. */
export default function Palette({ asked: times }: { asked: number }) {
  const t = useT("shell");
  const session = useSession();
  const router = useRouter();
  const [words, setWords] = useState("");
  const [asked] = useDebouncedValue(words.trim(), 200);
  useEffect(() => {
    if (times > 0) spotlight.open();
  }, [times]);

  const zone = useZone();
  const isAsked = Boolean(session.business) && asked.length >= LEAST_LETTERS;
  const found = api.useQuery(
    "get",
    "/api/search",
    { params: { query: { q: asked, limit: OF_A_KIND } } },
    { enabled: isAsked, placeholderData: keepPreviousData },
  );
  const groups = isAsked && words.trim().length >= LEAST_LETTERS ? (found.data?.groups ?? []) : [];

  const go = (to: string, search?: Record<string, string>) => () => void router.navigate({ to, ...(search ? { search } : {}) });
  const wanted = words.trim().toLocaleLowerCase();
  const named = (label: string) => label.toLocaleLowerCase().includes(wanted);
  const pages = entriesFor(session)
    .map((entry) => ({ id: entry.to, label: t(entry.label), icon: entry.icon, to: entry.to }))
    .filter(({ label }) => named(label));
  const commands = features
    .flatMap((feature) => feature.commands ?? [])
    .filter(({ least }) => session.business && (!least || session.may(least)))
    .map((command) => ({ ...command, label: t(command.label) }))
    .filter(({ label }) => named(label));

  // Enter means the first of what is shown. The palette marks it as letters are typed; what the server finds comes
  // later, and it has no other way to mark anew than its keys.
  const shown = [
    ...groups.flatMap(({ kind, hits }) => hits.map(({ id, part }) => `${kind} ${id} ${part}`)),
    ...commands.map(({ id }) => id), ...pages.map(({ id }) => id),
  ].join(" ");
  const typed = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!shown || !typed.current?.value) return;
    store.updateState((state) => ({ ...state, selected: -1 }));
    typed.current.dispatchEvent(new KeyboardEvent("keydown", { code: "ArrowDown", bubbles: true }));
  }, [shown]);

  const isEmpty = groups.length + commands.length + pages.length === 0;
  return (
    <Spotlight.Root store={store} query={words} onQueryChange={setWords} shortcut={null} scrollable maxHeight="60vh">
      <Spotlight.Search
        ref={typed} leftSection={<IconSearch size={18} />} placeholder={t("palette.hint")} aria-label={t("palette.open")}
      />
      <Spotlight.ActionsList>
        {groups.length > 0 && <Meant meant={found.data?.meant ?? {}} />}
        {groups.map(({ kind, hits }) => {
          const how = kindOf(kind);
          return (
            how && (
              <Spotlight.ActionsGroup key={kind} label={t(how.label)}>
                {hits.map((hit) => {
                  const { path, search } = how.to(hit, zone);
                  return (
                    <Line key={`${hit.id} ${hit.part}`} icon={how.icon} act={go(path, search)}>
                      <HitText kind={kind} hit={hit} />
                    </Line>
                  );
                })}
              </Spotlight.ActionsGroup>
            )
          );
        })}
        {groups.length > 0 && (
          <Line icon={IconListSearch} act={go("/search", { q: asked })}>
            {t("palette.all", { words: asked })}
          </Line>
        )}
        {commands.length > 0 && (
          <Spotlight.ActionsGroup label={t("palette.commands")}>
            {commands.map(({ id, label, icon, to }) => (
              <Line key={id} icon={icon} act={go(to)}>
                {label}
              </Line>
            ))}
          </Spotlight.ActionsGroup>
        )}
        {pages.length > 0 && (
          <Spotlight.ActionsGroup label={t("palette.pages")}>
            {pages.map(({ id, label, icon, to }) => (
              <Line key={id} icon={icon} act={go(to)}>
                {label}
              </Line>
            ))}
          </Spotlight.ActionsGroup>
        )}
        {isEmpty && <Spotlight.Empty>{found.isFetching ? t("palette.looking") : t("palette.nothing")}</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

/** One line that is gone to by the arrow keys. */
function Line({ icon: Icon, act, children }: { icon: Icon; act: () => void; children: ReactNode }) {
  return (
    <Spotlight.Action onClick={act}>
      <Group wrap="nowrap" gap="sm" w="100%" align="flex-start">
        <Icon size={18} aria-hidden style={{ flex: "none", marginBlockStart: 2 }} />
        <Box flex={1} miw={0}>
          {children}
        </Box>
      </Group>
    </Spotlight.Action>
  );
}
