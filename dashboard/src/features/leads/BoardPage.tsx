import { ActionIcon, Button, Card, Group, Stack, Text, VisuallyHidden } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconGripVertical, IconPlus } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { api } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { TextLink } from "@/ui/LinkTo";
import type { BoardColumn } from "./arrange";
import classes from "./Board.module.css";
import { BulkRuns } from "./BulkRuns";
import { useLeadFilters, type Conditions } from "./filters";
import { LeadFilters } from "./LeadFilters";
import { LeadsHeader } from "./LeadsHeader";
import { Owner } from "./own";
import { StatusForm } from "./StatusForm";
import { StatusOptions } from "./StatusOptions";
import { useCards, type Cards } from "./useCards";
import { useColumns } from "./useColumns";
import { LeadStatusBadge, nameOf, Phone, Tags, type Lead } from "./words";

const CARDS = 50;

export default function BoardPage() {
  const view = useLeadFilters();
  const board = api.useQuery(
    "get",
    "/api/leads/board",
    { params: { query: { ...view.conditions, status_id: [], cards: CARDS } } },
    { placeholderData: keepPreviousData },
  );
  return (
    <>
      <LeadsHeader look="board" />
      <LeadFilters view={view} withStatus={false} />
      <BulkRuns />
      <Answer of={board}>{({ columns }) => <Board key={view.key} first={columns} conditions={view.conditions} />}</Answer>
    </>
  );
}

function Board({ first, conditions }: { first: BoardColumn[]; conditions: Conditions }) {
  const t = useT("leads");
  const { may } = useSession();
  const [making, make] = useDisclosure();
  const { columns: given, lengthen, busy } = useColumns(first, conditions);
  const cards = useCards(given);
  const { columns, said } = cards;
  const status = said && columns.find((column) => column.status.id === said.held.columnId);
  const lead = said && columns.flatMap((column) => column.leads).find((one) => one.id === said.held.leadId);
  return (
    <>
      <Text size="sm" c="dimmed" mb="xs" id="board-help">
        {t("board.help")}
      </Text>
      <VisuallyHidden role="status" aria-live="assertive">
        {said && status && lead
          ? t(`board.said.${said.deed}`, { name: nameOf(lead), status: status.status.name, place: said.held.index + 1 })
          : ""}
      </VisuallyHidden>
      <div className={classes.board} data-board tabIndex={0} role="region" aria-label={t("board.label")}>
        {columns.map((column) => (
          <Column
            key={column.status.id}
            column={column}
            all={given}
            cards={cards}
            lengthen={() => lengthen(column)}
            busy={busy.has(column.status.id)}
          />
        ))}
        {may("admin") && (
          <Button variant="subtle" className={classes.more} leftSection={<IconPlus size={16} />} onClick={make.open}>
            {t("board.add")}
          </Button>
        )}
      </div>
      <StatusForm opened={making} close={make.close} status={null} />
    </>
  );
}

interface ColumnProps {
  column: BoardColumn;
  all: BoardColumn[];
  cards: Cards;
  /** Show the next cards. */
  lengthen: () => void;
  busy: boolean;
}

function Column({ column, all, cards, lengthen, busy }: ColumnProps) {
  const t = useT("leads");
  const numbers = useNumbers();
  const { may } = useSession();
  const { status, leads, count } = column;
  return (
    <section
      className={classes.column}
      data-column={status.id}
      data-closed={status.is_closed || undefined}
      data-over={cards.held?.columnId === status.id || undefined}
      aria-label={t("board.column", { status: status.name, count, n: numbers.whole(count) })}
    >
      <Group justify="space-between" wrap="nowrap" className={classes.head}>
        <Group gap={6} wrap="nowrap">
          <LeadStatusBadge status={status} />
          <Text size="xs" c="dimmed" className="numbers">
            {numbers.whole(count)}
          </Text>
        </Group>
        {may("admin") && <StatusOptions status={status} columns={all} />}
      </Group>
      <Stack gap="xs" className={classes.cards}>
        {leads.map((lead) => (
          <LeadCard key={lead.id} lead={lead} cards={cards} />
        ))}
        {leads.length === 0 && (
          <Text size="sm" c="dimmed" ta="center" py="md">
            {t("board.nobody")}
          </Text>
        )}
        {count > leads.length && (
          <>
            <Text size="xs" c="dimmed" ta="center" role="status">
              {t("board.shown", { n: numbers.whole(leads.length), all: numbers.whole(count) })}
            </Text>
            <Button
              variant="subtle"
              size="compact-sm"
              onClick={lengthen}
              loading={busy}
              aria-label={t("board.more_of", { status: status.name })}
            >
              {t("board.more")}
            </Button>
          </>
        )}
      </Stack>
    </section>
  );
}

function LeadCard({ lead, cards }: { lead: Lead; cards: Cards }) {
  const t = useT("leads");
  const { may } = useSession();
  const isHeld = cards.held?.leadId === lead.id;
  const { onPointerDown, ...keys } = cards.handle(lead.id);
  const mayMove = may("agent");
  return (
    <Card
      withBorder
      padding="xs"
      className={classes.card}
      data-card={lead.id}
      data-held={isHeld || undefined}
      onPointerDown={(event) => mayMove && event.pointerType === "mouse" && onPointerDown(event)}
    >
      <Group justify="space-between" wrap="nowrap" align="flex-start" gap={4}>
        <div>
          <TextLink to={`/leads/${lead.id}`} size="sm" fw={500} draggable={false}>
            <bdi>{nameOf(lead)}</bdi>
          </TextLink>
          {lead.name && (
            <Text size="xs" c="dimmed">
              <Phone>{lead.phone}</Phone>
            </Text>
          )}
        </div>
        {mayMove && (
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            className={classes.handle}
            aria-label={t("board.move", { name: nameOf(lead) })}
            aria-describedby="board-help"
            aria-pressed={isHeld}
            data-handle={lead.id}
            onPointerDown={(event) => event.pointerType !== "mouse" && onPointerDown(event)}
            {...keys}
          >
            <IconGripVertical size={16} />
          </ActionIcon>
        )}
      </Group>
      {lead.owner_id && (
        <Text size="xs" c="dimmed">
          <Owner id={lead.owner_id} />
        </Text>
      )}
      {lead.tags.length > 0 && (
        <div className={classes.tags}>
          <Tags tags={lead.tags} />
        </div>
      )}
    </Card>
  );
}
