// The foot of a form: on one side what deletes what it is of, once that has been confirmed; on the other what keeps it.

import { Button, Group } from "@mantine/core";
import type { ReactNode } from "react";
import { useAct } from "@/ui/act";
import { useConfirm, type Question } from "@/ui/confirm";

/** How what a form is of is deleted. The button says what the question's says. */
export interface Removal {
  question: Question;
  deed: () => Promise<unknown>;
  /** What is said, and done, when it is gone. */
  done: string;
  after: () => void;
}

/** `remove`: null where there is nothing to delete; the children are the other buttons. */
export function FormFooter({ remove, children }: { remove: Removal | null; children: ReactNode }) {
  const act = useAct();
  const confirm = useConfirm();
  const press = async ({ question, deed, done, after }: Removal) => {
    if ((await confirm(question)) && (await act(deed, done))) after();
  };
  return (
    <Group justify="space-between">
      <div>
        {remove && (
          <Button variant="subtle" color="red" onClick={() => void press(remove)}>
            {remove.question.confirm}
          </Button>
        )}
      </div>
      <Group gap="xs">{children}</Group>
    </Group>
  );
}
