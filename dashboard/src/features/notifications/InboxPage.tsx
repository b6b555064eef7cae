import { ActionIcon, Button, Card, Checkbox, Group, Stack, Text, Tooltip, VisuallyHidden } from "@mantine/core";
import { IconBell, IconMail, IconMailOpened, IconSettings } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useFilters } from "@/lib/address";
import { api, client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { Answer } from "@/ui/Answer";
import { EmptyState } from "@/ui/EmptyState";
import { ButtonLink, TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import { PageHeader } from "@/ui/PageHeader";
import { Pager, usePages } from "@/ui/Pager";
import classes from "./Inbox.module.css";
import { useSaying, type Notification } from "./words";

export default function InboxPage() {
  const t = useT("notifications");
  const act = useAct();
  const [{ unread }, set] = useFilters({ unread: "" });
  const pages = usePages(unread);
  const query = { unread: unread === "yes", cursor: pages.cursor };
  const inbox = api.useQuery("get", "/api/notifications", { params: { query } }, { placeholderData: keepPreviousData });
  return (
    <>
      <PageHeader title={t("title")} about={t("about")}>
        <Button variant="default" onClick={() => void act(() => client.POST("/api/notifications/read"))}>
          {t("read_all")}
        </Button>
        <ButtonLink to="/notifications/settings" variant="default" leftSection={<IconSettings size={16} />}>
          {t("settings.button")}
        </ButtonLink>
      </PageHeader>
      <Stack gap="sm">
        <Checkbox
          label={t("only_unread")}
          checked={unread === "yes"}
          onChange={(event) => set({ unread: event.currentTarget.checked ? "yes" : "" })}
        />
        <Answer of={inbox}>
          {({ notifications, next_cursor: following }) =>
            notifications.length === 0 ? (
              <EmptyState
                icon={IconBell}
                title={t(unread ? "none_unread.title" : "none.title")}
                body={t(unread ? "none_unread.body" : "none.body")}
              />
            ) : (
              <>
                <Card withBorder padding={0}>
                  <ul className={classes.list} aria-label={t("title")}>
                    {notifications.map((one) => (
                      <Row key={one.id} notification={one} />
                    ))}
                  </ul>
                </Card>
                <Pager pages={pages} following={following} busy={inbox.isPlaceholderData} />
              </>
            )
          }
        </Answer>
      </Stack>
    </>
  );
}

function Row({ notification }: { notification: Notification }) {
  const t = useT("notifications");
  const act = useAct();
  const said = useSaying()(notification);
  const isUnread = notification.read_at === null;
  const params = { path: { notification_id: notification.id } };
  const mark = (read: boolean) => act(() => client.POST("/api/notifications/{notification_id}/read", { params, body: { read } }));
  const label = t(isUnread ? "mark_read" : "mark_unread");
  return (
    <li className={classes.row} data-unread={isUnread || undefined}>
      <span className={classes.dot} aria-hidden />
      <div className={classes.grows}>
        <TextLink to={said.to} fw={isUnread ? 600 : undefined} onClick={() => isUnread && void mark(true)}>
          {said.text}
        </TextLink>
        {isUnread && <VisuallyHidden>{t("unread")}</VisuallyHidden>}
        <Text size="xs" c="dimmed">
          <Moment at={notification.created_at} how="ago" />
        </Text>
      </div>
      <Group gap={4}>
        <Tooltip label={label}>
          <ActionIcon variant="subtle" color="gray" aria-label={`${label}: ${said.text}`} onClick={() => void mark(isUnread)}>
            {isUnread ? <IconMailOpened size={18} /> : <IconMail size={18} />}
          </ActionIcon>
        </Tooltip>
      </Group>
    </li>
  );
}
