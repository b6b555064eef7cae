// The command palette: leads to every page, every command, and what the features find. Loaded when first asked for.

import "@mantine/spotlight/styles.css";
import { useDebouncedValue } from "@mantine/hooks";
import { createSpotlight, Spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { entriesFor } from "@/app/Navigation";
import { features } from "@/features";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";

const LEAST_LETTERS = 2;

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

  const sources = session.business ? features.flatMap((feature) => feature.search ?? []) : [];
  const found = useQuery({
    queryKey: ["palette", asked],
    enabled: asked.length >= LEAST_LETTERS && sources.length > 0,
    queryFn: async ({ signal }) =>
      Promise.all(sources.map(async (source) => ({ source, hits: await source.find(asked, session, signal) }))),
  });

  const go = (to: string) => () => void router.navigate({ to });
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

  const groups: SpotlightActionGroupData[] = [];
  for (const { source, hits } of found.data ?? []) {
    if (hits.length === 0 || wanted.length < LEAST_LETTERS) continue;
    groups.push({
      group: t(source.label),
      actions: hits.map((hit) => ({
        id: `${source.id}-${hit.id}`,
        label: hit.title,
        description: hit.detail,
        leftSection: <source.icon size={18} />,
        onClick: go(hit.to),
      })),
    });
  }
  if (commands.length > 0) {
    groups.push({
      group: t("palette.commands"),
      actions: commands.map(({ id, label, icon: Icon, to }) => ({
        id: `command-${id}`,
        label,
        leftSection: <Icon size={18} />,
        onClick: go(to),
      })),
    });
  }
  if (pages.length > 0) {
    groups.push({
      group: t("palette.pages"),
      actions: pages.map(({ id, label, icon: Icon, to }) => ({
        id: `page-${id}`,
        label,
        leftSection: <Icon size={18} />,
        onClick: go(to),
      })),
    });
  }

  // Enter means the first of what is shown. The palette marks it as letters are typed; what the server finds comes
  // later, and it has no other way to mark anew than its keys.
  const shown = groups.flatMap(({ actions }) => actions.map(({ id }) => id)).join(" ");
  const typed = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!shown || !typed.current?.value) return;
    store.updateState((state) => ({ ...state, selected: -1 }));
    typed.current.dispatchEvent(new KeyboardEvent("keydown", { code: "ArrowDown", bubbles: true }));
  }, [shown]);

  return (
    <Spotlight
      store={store}
      actions={groups}
      query={words}
      onQueryChange={setWords}
      // What is found has been chosen above; the server knows better than a comparison of letters.
      filter={(_words, actions) => actions}
      nothingFound={found.isFetching ? t("palette.looking") : t("palette.nothing")}
      shortcut={null}
      scrollable
      maxHeight="60vh"
      searchProps={{
        ref: typed,
        leftSection: <IconSearch size={18} />,
        placeholder: t("palette.hint"),
        "aria-label": t("palette.open"),
      }}
    />
  );
}
