// The inbox in three parts: conversations, the one that is open, and whom it is with. A phone shows one at a time.

import { Drawer } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { IconMessages } from "@tabler/icons-react";
import { useFilters } from "@/lib/address";
import { api } from "@/lib/api";
import { ApiError } from "@/lib/errors";
import { useT } from "@/lib/i18n";
import { Answer } from "@/ui/Answer";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorNote } from "@/ui/ErrorNote";
import { ButtonLink } from "@/ui/LinkTo";
import { BeginDialog } from "./BeginDialog";
import { ConversationList } from "./ConversationList";
import { FIRST_FILTERS } from "./filters";
import { SidePanel } from "./SidePanel";
import { Thread } from "./Thread";
import type { OpenConversation } from "./words";
import classes from "./Inbox.module.css";

/** From here on there is room for the person beside the conversation. */
const WIDE = "(min-width: 80em)";

export default function InboxPage() {
  const t = useT("inbox");
  const [{ conversation: id, write, lead }, setFilters] = useFilters({ ...FIRST_FILTERS, conversation: "", write: "", lead: "" });
  const close = () => setFilters({ conversation: "" });
  return (
    <div className={classes.page} data-open={id ? "" : undefined}>
      <ConversationList current={id} />
      {id ? (
        <Open key={id} id={id} close={close} />
      ) : (
        <section className={classes.nothing} aria-label={t("conversation")}>
          <EmptyState icon={IconMessages} title={t("choose.title")} body={t("choose.body")} />
        </section>
      )}
      <BeginDialog
        opened={write === "yes"}
        leadId={lead || null}
        close={() => setFilters({ write: "", lead: "" })}
        begun={(conversation) => setFilters({ write: "", lead: "", conversation }, { push: true })}
      />
    </div>
  );
}

function Open({ id, close }: { id: string; close: () => void }) {
  const t = useT("inbox");
  const params = { path: { conversation_id: id } };
  const conversation = api.useQuery("get", "/api/conversations/{conversation_id}", { params });
  // The list stands beside it: what leads back closes what is not there.
  if (conversation.data === undefined && conversation.error instanceof ApiError && conversation.error.status !== 401) {
    return (
      <section className={classes.nothing} aria-label={t("conversation")}>
        <ErrorNote error={conversation.error}>
          <ButtonLink to="/inbox" size="compact-sm" variant="default" mt="xs">
            {t("back")}
          </ButtonLink>
        </ErrorNote>
      </section>
    );
  }
  return <Answer of={conversation}>{(data) => <Parts conversation={data} close={close} />}</Answer>;
}

function Parts({ conversation, close }: { conversation: OpenConversation; close: () => void }) {
  const t = useT("inbox");
  const isWide = useMediaQuery(WIDE, true, { getInitialValueInEffect: false });
  const [shown, { open, close: hide }] = useDisclosure();
  return (
    <>
      <Thread conversation={conversation} close={close} showPerson={isWide ? null : open} />
      {isWide ? (
        <aside className={classes.side} aria-label={t("person.title")} tabIndex={0}>
          <SidePanel conversation={conversation} />
        </aside>
      ) : (
        <Drawer
          opened={shown}
          onClose={hide}
          position="bottom"
          size="80%"
          title={t("person.title")}
          closeButtonProps={{ "aria-label": t("close") }}
        >
          <SidePanel conversation={conversation} />
        </Drawer>
      )}
    </>
  );
}
