import { ActionIcon, Avatar, Badge, Button, Chip, Group, Select, Stack, Text, Title, Tooltip, VisuallyHidden } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconMessagePlus, IconMessages, IconRobot, IconTemplate, IconUserExclamation } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useFilters } from "@/lib/address";
import { api, type Schema } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { isolated } from "@/lib/phones";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { EmptyState } from "@/ui/EmptyState";
import { ButtonLink, LinkTo } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { SearchInput } from "@/ui/SearchInput";
import { FIRST_FILTERS, isFiltered, queryOf, SHOWN } from "./filters";
import { ConversationStateBadge, nameOf, type Conversation } from "./words";
import classes from "./Inbox.module.css";

export function ConversationList({ current }: { current: string }) {
  const t = useT("inbox");
  const shell = useT("shell");
  const { may } = useSession();
  useDocumentTitle(shell("title", { page: t("title") }));
  const [filters, setFilters] = useFilters(FIRST_FILTERS);
  const rows = api.useInfiniteQuery(
    "get",
    "/api/conversations",
    { params: { query: queryOf(filters) } },
    {
      pageParamName: "cursor",
      // Undefined would be asked for as page 0.
      initialPageParam: null as string | null,
      getNextPageParam: (last: Schema<"ConversationsOut">) => last.next_cursor ?? undefined,
      placeholderData: keepPreviousData,
    },
  );
  return (
    <section className={classes.list} aria-label={t("list")}>
      <div className={classes.head}>
        <Group justify="space-between" wrap="nowrap">
          <Title order={1}>{t("title")}</Title>
          {may("agent") && (
            <Group gap={4} wrap="nowrap">
              <Tooltip label={t("replies.title")}>
                <ActionIcon component={LinkTo} to="/inbox/replies" variant="subtle" color="gray" size="lg" aria-label={t("replies.title")}>
                  <IconTemplate size={20} />
                </ActionIcon>
              </Tooltip>
              <Tooltip label={t("begin.title")}>
                <ActionIcon size="lg" aria-label={t("begin.title")} onClick={() => setFilters({ write: "yes" } as never)}>
                  <IconMessagePlus size={20} />
                </ActionIcon>
              </Tooltip>
            </Group>
          )}
        </Group>
        <FilterBar />
      </div>
      <div className={classes.rows}>
        <Answer of={rows}>
          {({ pages }) => {
            const found = pages.flatMap(({ conversations }) => conversations);
            if (found.length === 0) return <Nobody />;
            return (
              <>
                <ul className={classes.plain}>
                  {found.map((row) => (
                    <Row key={row.id} row={row} isCurrent={row.id === current} />
                  ))}
                </ul>
                {rows.hasNextPage && (
                  <Button variant="subtle" fullWidth loading={rows.isFetchingNextPage} onClick={() => void rows.fetchNextPage()}>
                    {t("more")}
                  </Button>
                )}
              </>
            );
          }}
        </Answer>
      </div>
    </section>
  );
}

function Nobody() {
  const t = useT("inbox");
  const { may } = useSession();
  const [filters, setFilters] = useFilters(FIRST_FILTERS);
  const accounts = api.useQuery("get", "/api/chat-accounts");
  if (isFiltered(filters)) {
    return (
      <Stack p="md" align="flex-start">
        <Text c="dimmed">{t("none.such")}</Text>
        <Button variant="default" size="xs" onClick={() => setFilters(FIRST_FILTERS)}>
          {t("none.clear")}
        </Button>
      </Stack>
    );
  }
  const isConnected = (accounts.data ?? []).length > 0;
  return (
    <EmptyState icon={IconMessages} title={t("none.title")} body={t(isConnected ? "none.body" : "none.no_number")}>
      {!isConnected && may("admin") && <ButtonLink to="/settings/messaging">{t("none.connect")}</ButtonLink>}
    </EmptyState>
  );
}

const CHIPS = ["mine", "unassigned", "unread", "wanted"] as const;

function FilterBar() {
  const t = useT("inbox");
  const numbers = useNumbers();
  const [filters, setFilters] = useFilters(FIRST_FILTERS);
  const counts = api.useQuery("get", "/api/conversations/counts").data;
  const labels = api.useQuery("get", "/api/conversations/labels").data ?? [];
  const accounts = api.useQuery("get", "/api/chat-accounts").data ?? [];
  const ofChip = { mine: counts?.mine, unassigned: counts?.unassigned, unread: counts?.unread, wanted: counts?.needs_person };
  const press = (chip: (typeof CHIPS)[number]) => {
    const on = filters[chip] ? "" : "yes";
    // Whom nobody has is not mine.
    const other = chip === "mine" ? { unassigned: "" } : chip === "unassigned" ? { mine: "" } : {};
    setFilters({ ...(on && other), [chip]: on });
  };
  return (
    <Stack gap={8} mt="xs">
      <SearchInput label={t("filter.search")} value={filters.q} onChange={(q) => setFilters({ q })} />
      <Group gap={6} grow wrap="nowrap">
        <Select
          size="xs"
          aria-label={t("filter.state")}
          value={filters.state}
          onChange={(state) => setFilters({ state: state ?? "waiting" })}
          allowDeselect={false}
          data={SHOWN.map((value) => ({ value, label: t(`filter.show.${value}`) }))}
        />
        {accounts.length > 1 && (
          <Select
            size="xs"
            aria-label={t("filter.account")}
            value={filters.account}
            onChange={(account) => setFilters({ account: account ?? "" })}
            allowDeselect={false}
            data={[{ value: "", label: t("filter.any_account") }, ...accounts.map((one) => ({ value: one.id, label: one.name }))]}
          />
        )}
        {labels.length > 0 && (
          <Select
            size="xs"
            aria-label={t("filter.label")}
            value={filters.label}
            onChange={(label) => setFilters({ label: label ?? "" })}
            allowDeselect={false}
            searchable={labels.length > 8}
            data={[{ value: "", label: t("filter.any_label") }, ...labels.map((one) => ({ value: one, label: one }))]}
          />
        )}
      </Group>
      <Group gap={6}>
        {CHIPS.map((chip) => (
          <Chip key={chip} size="xs" variant="light" checked={filters[chip] !== ""} onChange={() => press(chip)}>
            {t(`filter.${chip}`)}
            {(ofChip[chip] ?? 0) > 0 && ` · ${numbers.whole(ofChip[chip] ?? 0)}`}
          </Chip>
        ))}
      </Group>
    </Stack>
  );
}

function Row({ row, isCurrent }: { row: Conversation; isCurrent: boolean }) {
  const t = useT("inbox");
  const numbers = useNumbers();
  const name = nameOf(row);
  return (
    <li>
      <Link
        to="/inbox"
        search={(before: Record<string, unknown>) => ({ ...before, conversation: row.id }) as never}
        className={classes.row}
        aria-current={isCurrent ? "true" : undefined}
        data-conversation={row.id}
        data-unread={row.unread > 0 || undefined}
        activeProps={{}}
      >
        <Avatar name={/\p{L}/u.test(name) ? name : undefined} color="initials" radius="xl" size={38} aria-hidden alt="" />
        <div className={classes.what}>
          <Group justify="space-between" gap={6} wrap="nowrap">
            <Text span className={classes.name} dir="auto">
              {isolated(name)}
            </Text>
            <Text span size="xs" c="dimmed" className={classes.whole}>
              <Moment at={row.last_at} />
            </Text>
          </Group>
          <Group justify="space-between" gap={6} wrap="nowrap">
            <Text span size="sm" c="dimmed" className={classes.line} dir="auto">
              {row.last_direction === "out" && `${t("you")} `}
              <LastText text={row.last_text} />
            </Text>
            {row.unread > 0 && (
              <Badge size="sm" variant="filled" circle={row.unread < 10}>
                <span aria-hidden>{numbers.whole(row.unread)}</span>
                <VisuallyHidden>{t("unread", { count: row.unread })}</VisuallyHidden>
              </Badge>
            )}
          </Group>
          <Group gap={4} mt={2}>
            {row.needs_person !== null && (
              <Badge size="xs" color="yellow" leftSection={<IconUserExclamation size={11} />}>
                {t("filter.wanted")}
              </Badge>
            )}
            {row.state !== "open" && <ConversationStateBadge state={row.state} />}
            {row.ai_mode !== "off" && (
              <Badge size="xs" leftSection={<IconRobot size={11} />}>
                {t(`ai.short.${row.ai_mode}`)}
              </Badge>
            )}
            {row.assignee_name && (
              <Badge size="xs" color="gray">
                <bdi>{row.assignee_name}</bdi>
              </Badge>
            )}
            {row.labels.map((label) => (
              <Badge key={label} size="xs" variant="outline" color="gray">
                <bdi>{label}</bdi>
              </Badge>
            ))}
          </Group>
        </div>
      </Link>
    </li>
  );
}

const KINDS = ["image", "video", "audio", "document", "sticker", "location", "contacts", "choice", "reaction", "unsupported"];

/** The server names a message without words by its kind in brackets. */
function LastText({ text }: { text: string }) {
  const t = useT("inbox");
  const kind = /^\[(\w+)\]$/.exec(text)?.[1];
  return <>{kind !== undefined && KINDS.includes(kind) ? t(`kind.${kind}`) : text}</>;
}
