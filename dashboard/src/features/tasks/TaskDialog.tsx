// One task in a form: a new one, or one that is looked at and changed.

import { Box, Button, Group, Modal, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { client } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { FormFooter, type Removal } from "@/ui/FormFooter";
import { Assignee, About } from "./Choices";
import { RemindField } from "./RemindField";
import { RepeatsFields } from "./RepeatsFields";
import { readRepeats, writeRepeats, type Repeats } from "./repeats";
import { STATES, type Task, type TaskState } from "./words";

export interface TaskDialogProps {
  /** Null: a new one. */
  task: Task | null;
  /** Whom a new one is about. */
  leadId?: string;
  close: () => void;
}

export function TaskDialog({ task, leadId, close }: TaskDialogProps) {
  const t = useT("tasks");
  const act = useAct();
  const { me, may } = useSession();
  const [busy, setBusy] = useState(false);
  const mayChange = may("agent");
  const form = useForm({
    initialValues: {
      title: task?.title ?? "",
      text: task?.text ?? "",
      state: (task?.state ?? "todo") as TaskState,
      priority: (task?.priority ?? "normal") as Task["priority"],
      due_on: task?.due_on ?? "",
      due_time: task?.due_time ?? "",
      assignee_id: task ? task.assignee_id : me.is_system_admin ? null : me.user_id,
      lead_id: task ? task.lead_id : (leadId ?? null),
      remind: task?.remind ?? null,
      repeats: readRepeats(task?.repeats),
    },
  });
  const values = form.values;
  const save = form.onSubmit(async (given) => {
    const body = {
      ...given,
      title: given.title.trim(),
      due_on: given.due_on || null,
      due_time: (given.due_on && given.due_time) || null,
      repeats: given.due_on ? writeRepeats(given.repeats) : null,
    };
    setBusy(true);
    const done = task
      ? await act(
          () => client.PATCH("/api/tasks/{task_id}", { params: { path: { task_id: task.id } }, body: { ...body, version: task.version } }),
          t("edit.done"),
        )
      : await act(() => client.POST("/api/tasks", { body }), t("new.done"));
    setBusy(false);
    if (done) close();
  });
  const remove: Removal | null = task && mayChange ? {
    question: { title: t("delete.title"), body: t("delete.body"), confirm: t("delete.button") },
    deed: () => client.DELETE("/api/tasks/{task_id}", { params: { path: { task_id: task.id } } }),
    done: t("delete.done"),
    after: close,
  } : null;
  return (
    <Modal opened onClose={close} size="lg" title={t(task ? "edit.title" : "new.title")} closeButtonProps={{ "aria-label": t("close") }}>
      <form onSubmit={save}>
        <fieldset disabled={!mayChange} style={{ border: 0, padding: 0, margin: 0, minWidth: 0 }}>
          <Stack gap="sm">
            <TextInput {...form.getInputProps("title")} label={t("field.title")} required maxLength={300} dir="auto" data-autofocus />
            <Textarea {...form.getInputProps("text")} label={t("field.text")} autosize minRows={2} maxRows={8} maxLength={10_000} dir="auto" />
            <Group grow align="flex-start">
              <TextInput {...form.getInputProps("due_on")} type="date" label={t("field.due_on")} />
              <TextInput {...form.getInputProps("due_time")} type="time" label={t("field.due_time")} disabled={!values.due_on} />
            </Group>
            {values.due_on && (
              <>
                <RepeatsFields value={values.repeats} day={values.due_on} onChange={(repeats: Repeats | null) => form.setFieldValue("repeats", repeats)} />
                <RemindField value={values.remind} timed={values.due_time !== ""} onChange={(remind) => form.setFieldValue("remind", remind)} />
              </>
            )}
            <Group grow align="flex-start">
              <Assignee value={values.assignee_id} onChange={(id) => form.setFieldValue("assignee_id", id)} />
              <About value={values.lead_id} onChange={(id) => form.setFieldValue("lead_id", id)} />
            </Group>
            <Group grow align="flex-start">
              <Select
                {...form.getInputProps("priority")}
                label={t("field.priority")}
                allowDeselect={false}
                data={["low", "normal", "high"].map((value) => ({ value, label: t(`priority.${value}`) }))}
              />
              {task && (
                <Select
                  {...form.getInputProps("state")}
                  label={t("field.state")}
                  allowDeselect={false}
                  data={STATES.map((value) => ({ value, label: t(`state.${value}`) }))}
                />
              )}
            </Group>
          </Stack>
        </fieldset>
        <Box mt="md">
          <FormFooter remove={remove}>
            <Button variant="default" onClick={close}>
              {t(mayChange ? "cancel" : "close")}
            </Button>
            {mayChange && (
              <Button type="submit" loading={busy} disabled={!values.title.trim()}>
                {t(task ? "edit.save" : "new.save")}
              </Button>
            )}
          </FormFooter>
        </Box>
      </form>
    </Modal>
  );
}
