import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useAct } from "@/ui/act";
import { RoleSelect } from "./RoleSelect";

/** Choose what a person may do from now on. */
export function RoleForm({ user, onClose }: { user: Schema<"UserOut">; onClose: () => void }) {
  const t = useT("settings");
  const act = useAct();
  const [role, setRole] = useState(user.role);
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    const params = { path: { user_id: user.id } };
    const done = await act(
      () => client.PATCH("/api/users/{user_id}", { params, body: { role } }),
      t("people.role_changed", { name: user.name }),
    );
    setBusy(false);
    if (done) onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t("people.role_of", { name: user.name })} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <RoleSelect value={role} onChange={setRole} />
        <Text size="sm" c="dimmed">
          {t("people.role_ends_sessions")}
        </Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button onClick={() => void save()} loading={busy} disabled={role === user.role}>
            {t("people.change_role")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
