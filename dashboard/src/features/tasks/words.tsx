// How tasks are named and shown, wherever they are.

import { Group, Text } from "@mantine/core";
import { IconFlag, IconRepeat } from "@tabler/icons-react";
import { daysOn, instantOf } from "@/features/appointments/zoned";
import type { Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useTime } from "@/lib/time";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

export type Task = Schema<"TaskOut">;
export type TaskState = Task["state"];

export const STATES: TaskState[] = ["todo", "doing", "done"];
export const STATE_TONES: Record<TaskState, Tone> = { todo: "wait", doing: "busy", done: "good" };
const NOON = 12 * 60;

export function TaskStateBadge({ state }: { state: TaskState }) {
  const t = useT("tasks");
  return <StatusBadge tone={STATE_TONES[state]}>{t(`state.${state}`)}</StatusBadge>;
}

export const isOverdue = (task: Task): boolean =>
  task.state !== "done" && task.due_at !== null && new Date(task.due_at).getTime() <= Date.now();

/** When a task is due, in words: today, tomorrow, or its day, with its time if it has one. */
export function Due({ task }: { task: Task }) {
  const t = useT("tasks");
  const time = useTime();
  if (task.due_on === null) {
    return (
      <Text size="sm" c="dimmed" component="span">
        {t("due.none")}
      </Text>
    );
  }
  const today = time.dayKey(new Date());
  const named = task.due_on === today ? t("due.today") : task.due_on === daysOn(today, 1) ? t("due.tomorrow") : null;
  // Noon: no zone puts its clocks over it.
  const day = named ?? time.date(instantOf(task.due_on, NOON, time.zone));
  const late = isOverdue(task);
  return (
    <Group gap={6} wrap="nowrap" component="span">
      <Text size="sm" component="span" fw={late ? 600 : undefined}>
        {task.due_time ? t("due.at", { day, clock: task.due_time }) : day}
      </Text>
      {late && <StatusBadge tone="bad">{t("due.overdue")}</StatusBadge>}
    </Group>
  );
}

/** What marks a task beside its title: that it matters, and that it comes again. */
export function Marks({ task }: { task: Task }) {
  const t = useT("tasks");
  return (
    <>
      {task.priority === "high" && <IconFlag size={14} role="img" aria-label={t("priority.high")} />}
      {task.repeats !== null && <IconRepeat size={14} role="img" aria-label={t("repeat.again")} />}
    </>
  );
}
