// The tasks by where they stand: three columns; a card is dragged by mouse, or its state chosen on it.

import { Card, Group, Stack, Text, UnstyledButton } from "@mantine/core";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/lib/api";
import { useNumbers, useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { TextLink } from "@/ui/LinkTo";
import classes from "./Board.module.css";
import { StateMenu } from "./StateMenu";
import { useMove } from "./useTasks";
import { Due, Marks, STATES, TaskStateBadge, type Task, type TaskState } from "./words";

const CARDS = 100;

interface Props {
  conditions: { assignee?: string; overdue?: boolean };
  open: (task: Task) => void;
}

export function TaskBoard({ conditions, open }: Props) {
  const t = useT("tasks");
  const [held, hold] = useState<Task | null>(null);
  return (
    <>
      <Text size="sm" c="dimmed" mb="xs">
        {t("board.help")}
      </Text>
      <div className={classes.board} tabIndex={0} role="region" aria-label={t("board.label")}>
        {STATES.map((state) => (
          <Column key={state} state={state} conditions={conditions} open={open} held={held} hold={hold} />
        ))}
      </div>
    </>
  );
}

interface ColumnProps extends Props {
  state: TaskState;
  held: Task | null;
  hold: (task: Task | null) => void;
}

function Column({ state, conditions, open, held, hold }: ColumnProps) {
  const t = useT("tasks");
  const numbers = useNumbers();
  const move = useMove();
  const [over, setOver] = useState(false);
  const query = { ...conditions, state, limit: CARDS };
  const found = api.useQuery("get", "/api/tasks", { params: { query } }, { placeholderData: keepPreviousData });
  const count = found.data?.tasks.length ?? 0;
  return (
    <section
      className={classes.column}
      data-column={state}
      data-over={over || undefined}
      aria-label={t("board.column", { state: t(`state.${state}`), count })}
      onDragOver={(event) => {
        if (!held || held.state === state) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={() => {
        setOver(false);
        if (held) void move(held, state);
      }}
    >
      <Group gap={6} mb="xs">
        <TaskStateBadge state={state} />
        <Text size="xs" c="dimmed" className="numbers">
          {numbers.whole(count)}
        </Text>
      </Group>
      <Answer of={found}>
        {({ tasks, next_cursor: more }) => (
          <Stack gap="xs" className={classes.cards}>
            {tasks.map((task) => (
              <TaskCard key={task.id} task={task} open={open} hold={hold} />
            ))}
            {tasks.length === 0 && (
              <Text size="sm" c="dimmed" ta="center" py="md">
                {t("board.empty")}
              </Text>
            )}
            {more && (
              <TextLink to="/tasks" search={{ state }} size="sm">
                {t("board.more")}
              </TextLink>
            )}
          </Stack>
        )}
      </Answer>
    </section>
  );
}

function TaskCard({ task, open, hold }: { task: Task; open: (task: Task) => void; hold: (task: Task | null) => void }) {
  const { may } = useSession();
  return (
    <Card
      withBorder
      padding="xs"
      className={classes.card}
      data-card={task.id}
      draggable={may("agent")}
      onDragStart={() => hold(task)}
      onDragEnd={() => hold(null)}
    >
      <Stack gap={4}>
        <Group gap={6} wrap="nowrap" align="flex-start" justify="space-between">
          <UnstyledButton onClick={() => open(task)} className={classes.title}>
            <Text size="sm" fw={500} className={task.state === "done" ? classes.done : undefined} component="span">
              <bdi>{task.title}</bdi>
            </Text>
          </UnstyledButton>
          <Marks task={task} />
        </Group>
        {task.due_on && <Due task={task} />}
        <Group justify="space-between" gap={6}>
          <Text size="xs" c="dimmed">
            <bdi>{task.assignee_name}</bdi>
          </Text>
          <StateMenu task={task} />
        </Group>
      </Stack>
    </Card>
  );
}
