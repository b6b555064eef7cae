import { Button, Code, CopyButton, Group, Modal, Stack, Text } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useT } from "@/lib/i18n";

/** A link that somebody passes on by hand. It is shown this once. */
export function LinkShown({ link, onClose }: { link: string | null; onClose: () => void }) {
  const t = useT("settings");
  return (
    <Modal opened={link !== null} onClose={onClose} title={t("link.title")} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <Text size="sm">{t("link.body")}</Text>
        <Code block dir="ltr" data-testid="link" tabIndex={0} aria-label={t("link.title")}>
          {link ?? ""}
        </Code>
        <Group justify="flex-end">
          <CopyButton value={link ?? ""}>
            {({ copied, copy }) => (
              <Button onClick={copy} leftSection={copied ? <IconCheck size={18} /> : <IconCopy size={18} />}>
                {copied ? t("link.copied") : t("link.copy")}
              </Button>
            )}
          </CopyButton>
        </Group>
      </Stack>
    </Modal>
  );
}
