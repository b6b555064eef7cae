// Where a task stands, to be changed there: by mouse, finger and keyboard.

import { Menu, UnstyledButton } from "@mantine/core";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useMove } from "./useTasks";
import { STATES, TaskStateBadge, type Task } from "./words";

export function StateMenu({ task }: { task: Task }) {
  const t = useT("tasks");
  const move = useMove();
  const { may } = useSession();
  if (!may("agent")) return <TaskStateBadge state={task.state} />;
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <UnstyledButton aria-label={`${t("state.label", { title: task.title })}: ${t(`state.${task.state}`)}`}>
          <TaskStateBadge state={task.state} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {STATES.map((state) => (
          <Menu.Item key={state} disabled={state === task.state} onClick={() => void move(task, state)}>
            {t(`state.${state}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
