import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { client, type Schema } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useTime } from "@/lib/time";
import { useAct } from "@/ui/act";
import { useRunsAgain } from "./RunActs";

/** Lets a person decide that a number may be dialled again of whose last dial nobody knows what became. */
export function Release({ runId, dial }: { runId: string; dial: Schema<"AttemptOut"> }) {
  const t = useT("runs");
  const time = useTime();
  const { may } = useSession();
  const act = useAct();
  const again = useRunsAgain();
  const [asked, { open, close }] = useDisclosure();
  const [busy, setBusy] = useState(false);
  if (!dial.releasable_at) return null;
  const isTooEarly = new Date(dial.releasable_at) > new Date();
  const release = async () => {
    setBusy(true);
    const params = { path: { run_id: runId, attempt_id: dial.id } };
    await act(() => client.POST("/api/runs/{run_id}/attempts/{attempt_id}/release", { params }), t("doubt.released"));
    await again();
    setBusy(false);
    close();
  };
  if (isTooEarly) {
    return (
      <Text size="sm" c="dimmed" mt="xs">
        {t("doubt.too_early", { when: time.short(dial.releasable_at) })}
      </Text>
    );
  }
  if (!may("admin")) {
    return (
      <Text size="sm" c="dimmed" mt="xs">
        {t("doubt.for_admins")}
      </Text>
    );
  }
  return (
    <>
      <Button size="compact-sm" variant="default" mt="xs" onClick={open} aria-label={t("doubt.release_named", { phone: dial.phone })}>
        {t("doubt.release")}
      </Button>
      <Modal opened={asked} onClose={close} title={t("doubt.ask")}>
        <Stack>
          <Text>{t("doubt.explain")}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              {t("doubt.no")}
            </Button>
            <Button color="orange" loading={busy} onClick={() => void release()}>
              {t("doubt.yes")}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
