// Everything that bears some words, by kind, with more of each kind on demand.

import { Button, Chip, Group, Stack, Text } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useFilters } from "@/lib/address";
import { api, client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useZone } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { EmptyState } from "@/ui/EmptyState";
import { LinkTo } from "@/ui/LinkTo";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";
import { SearchInput } from "@/ui/SearchInput";
import { HitText, kindOf, kinds, LEAST_LETTERS, Meant, type Hit } from "./found";
import classes from "./SearchPage.module.css";

const OF_ALL = 5;
const OF_ONE = 25;

export default function SearchPage() {
  const t = useT("search");
  const words = useT("shell");
  const [{ q, kind }, set] = useFilters({ q: "", kind: "" });
  const asked = q.trim();
  const isEnough = asked.length >= LEAST_LETTERS;
  const found = api.useQuery(
    "get",
    "/api/search",
    { params: { query: { q: asked, limit: OF_ALL } } },
    { enabled: isEnough && !kind, placeholderData: keepPreviousData },
  );
  return (
    <>
      <PageHeader title={t("title")} about={t("about")} />
      <Stack>
        <SearchInput label={t("label")} hint={t("hint")} value={q} onChange={(typed) => set({ q: typed })} />
        <Chip.Group value={kind} onChange={(chosen) => set({ kind: String(chosen) })}>
          <Group gap="xs" role="group" aria-label={t("kinds")}>
            <Chip value="" size="xs">
              {t("all")}
            </Chip>
            {kinds().map((one) => (
              <Chip key={one.kind} value={one.kind} size="xs">
                {words(one.label)}
              </Chip>
            ))}
          </Group>
        </Chip.Group>
        {!isEnough && <EmptyState icon={IconSearch} title={t("empty.title")} body={t("empty.body")} />}
        {isEnough && kind && <OneKind key={`${kind} ${asked}`} kind={kind} asked={asked} />}
        {isEnough && !kind && (
          <Answer of={found}>
            {(data) => (
              <>
                {data.groups.length > 0 && <Meant meant={data.meant} />}
                {data.groups.length === 0 && <EmptyState icon={IconSearch} title={t("none.title")} body={t("none.body")} />}
                {data.groups.map((group) => (
                  <Panel key={group.kind} title={words(kindOf(group.kind)?.label ?? "")}>
                    <Hits kind={group.kind} hits={group.hits} />
                    {group.next_cursor && (
                      <Button variant="subtle" size="xs" mt="xs" onClick={() => set({ kind: group.kind }, { push: true })}>
                        {t("more")}
                      </Button>
                    )}
                  </Panel>
                ))}
              </>
            )}
          </Answer>
        )}
      </Stack>
    </>
  );
}

/** All of one kind, a page at a time. */
function OneKind({ kind, asked }: { kind: string; asked: string }) {
  const t = useT("search");
  const words = useT("shell");
  const found = useInfiniteQuery({
    queryKey: ["search", kind, asked],
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }) => {
      const query = { q: asked, kinds: [kind], limit: OF_ONE, ...(pageParam ? { cursor: pageParam } : {}) };
      const { data } = await client.GET("/api/search", { params: { query }, signal });
      return data ?? { groups: [], meant: {} };
    },
    getNextPageParam: (last: Schema<"FoundOut">) => last.groups[0]?.next_cursor ?? null,
  });
  return (
    <Answer of={found}>
      {({ pages }) => {
        const hits = pages.flatMap((page) => page.groups[0]?.hits ?? []);
        if (hits.length === 0) return <EmptyState icon={IconSearch} title={t("none.title")} body={t("none.body")} />;
        return (
          <Panel title={words(kindOf(kind)?.label ?? "")}>
            <Meant meant={pages[0]?.meant ?? {}} />
            <Hits kind={kind} hits={hits} />
            {found.hasNextPage && (
              <Button
                variant="default" size="xs" mt="sm" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}
              >
                {t("more")}
              </Button>
            )}
          </Panel>
        );
      }}
    </Answer>
  );
}

function Hits({ kind, hits }: { kind: string; hits: Hit[] }) {
  const t = useT("search");
  const zone = useZone();
  const how = kindOf(kind);
  if (!how) return <Text c="dimmed">{t("unknown")}</Text>;
  const { icon: Icon } = how;
  return (
    <ul className={classes.hits}>
      {hits.map((hit) => (
        <li key={`${hit.id} ${hit.part}`}>
          <LinkTo to={how.to(hit, zone).path} search={how.to(hit, zone).search} className={classes.hit}>
            <Icon size={18} className={classes.icon} aria-hidden />
            <div className={classes.text}>
              <HitText kind={kind} hit={hit} />
            </div>
          </LinkTo>
        </li>
      ))}
    </ul>
  );
}
