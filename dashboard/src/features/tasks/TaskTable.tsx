// Tasks in rows: to be ticked off, opened and followed to their leads.

import { Checkbox, Group, Text, UnstyledButton } from "@mantine/core";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { DataTable, type Column } from "@/ui/DataTable";
import { TextLink } from "@/ui/LinkTo";
import { Moment } from "@/ui/Moment";
import classes from "./Board.module.css";
import { StateMenu } from "./StateMenu";
import { useMove } from "./useTasks";
import { Due, Marks, type Task } from "./words";

interface Props {
  tasks: Task[];
  open: (task: Task) => void;
  /** Beside their lead, who it is goes without saying. */
  ofLead?: boolean;
}

export function TaskTable({ tasks, open, ofLead }: Props) {
  const t = useT("tasks");
  const move = useMove();
  const { may } = useSession();
  const columns: (Column<Task> | false)[] = [
    {
      id: "title",
      header: t("column.task"),
      cell: (task) => (
        <Group gap="xs" wrap="nowrap">
          <Checkbox
            size="sm"
            aria-label={`${t("state.done")}: ${task.title}`}
            checked={task.state === "done"}
            disabled={!may("agent")}
            onChange={(event) => void move(task, event.currentTarget.checked ? "done" : "todo")}
          />
          <UnstyledButton onClick={() => open(task)} className={classes.title}>
            <Text size="sm" fw={500} component="span" className={task.state === "done" ? classes.done : undefined}>
              <bdi>{task.title}</bdi>
            </Text>
          </UnstyledButton>
          <Marks task={task} />
        </Group>
      ),
    },
    {
      id: "due",
      header: t("column.due"),
      cell: (task) =>
        task.done_at ? (
          <Text size="sm" c="dimmed" component="span">
            {t("done_on")} <Moment at={task.done_at} />
          </Text>
        ) : (
          <Due task={task} />
        ),
      whole: true,
    },
    { id: "assignee", header: t("column.assignee"), cell: (task) => <bdi>{task.assignee_name}</bdi>, wide: true },
    !ofLead && {
      id: "lead",
      header: t("column.lead"),
      cell: (task) =>
        task.lead_id && (
          <TextLink to={`/leads/${task.lead_id}`} size="sm">
            <bdi>{task.lead_name}</bdi>
          </TextLink>
        ),
      wide: true,
    },
    { id: "state", header: t("column.state"), cell: (task) => <StateMenu task={task} /> },
  ];
  return (
    <DataTable
      label={t("title")}
      columns={columns.filter((column) => column !== false)}
      rows={tasks}
      keyOf={(task) => task.id}
      least={ofLead ? "24rem" : "30rem"}
    />
  );
}
