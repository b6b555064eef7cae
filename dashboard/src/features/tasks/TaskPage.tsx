// The task that a link names, of a reminder say: open over the list.

import { useNavigate } from "@tanstack/react-router";
import { usePath } from "@/lib/address";
import { api } from "@/lib/api";
import { Answer } from "@/ui/Answer";
import { TaskDialog } from "./TaskDialog";
import TasksPage from "./TasksPage";

export default function TaskPage() {
  const taskId = usePath("taskId");
  const navigate = useNavigate();
  const task = api.useQuery("get", "/api/tasks/{task_id}", { params: { path: { task_id: taskId } } });
  return (
    <Answer of={task}>
      {(found) => (
        <>
          <TasksPage />
          <TaskDialog key={found.id} task={found} close={() => void navigate({ to: "/tasks" })} />
        </>
      )}
    </Answer>
  );
}
