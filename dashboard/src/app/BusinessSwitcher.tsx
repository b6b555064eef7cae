import { Button, Modal, ScrollArea, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";

/** For system admins: choose whose pages to see. */
export function BusinessSwitcher({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const t = useT("shell");
  return (
    <Modal opened={opened} onClose={onClose} title={t("businesses.title")} closeButtonProps={{ "aria-label": t("close") }}>
      <Choice onChosen={onClose} />
    </Modal>
  );
}

function Choice({ onChosen }: { onChosen: () => void }) {
  const t = useT("shell");
  const { business: now, enter } = useSession();
  const [words, setWords] = useState("");
  const [busy, setBusy] = useState<string | null>(null);
  const businesses = api.useQuery("get", "/api/admin/businesses");
  return (
    <Stack gap="sm">
      <TextInput
        label={t("businesses.find")}
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
        data-autofocus
      />
      <Answer of={businesses}>
        {(found) => (
          <ScrollArea.Autosize mah="50vh">
            <Stack gap={4}>
              {found
                .filter(({ name }) => name.toLocaleLowerCase().includes(words.trim().toLocaleLowerCase()))
                .map(({ id, name }) => (
                  <Button
                    key={id}
                    variant={id === now?.id ? "light" : "subtle"}
                    color="gray"
                    justify="flex-start"
                    loading={busy === id}
                    onClick={async () => {
                      setBusy(id);
                      try {
                        await enter(id);
                        onChosen();
                      } finally {
                        setBusy(null);
                      }
                    }}
                  >
                    <bdi>{name}</bdi>
                  </Button>
                ))}
            </Stack>
          </ScrollArea.Autosize>
        )}
      </Answer>
    </Stack>
  );
}
