// The numbers that a business writes from: connecting one, and each one's state, agent, templates and hook.

import { Button, Modal, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBrandWhatsapp, IconPlus } from "@tabler/icons-react";
import { SettingsTabs } from "@/features/settings/SettingsTabs";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { Answer } from "@/ui/Answer";
import { EmptyState } from "@/ui/EmptyState";
import { AccountCard } from "./AccountCard";
import { ConnectForm } from "./ConnectForm";

export default function AccountsPage() {
  const t = useT("inbox");
  const [connecting, { open, close }] = useDisclosure();
  const accounts = api.useQuery("get", "/api/chat-accounts");
  const connect = (
    <Button leftSection={<IconPlus size={16} />} onClick={open}>
      {t("accounts.connect")}
    </Button>
  );
  return (
    <>
      <SettingsTabs title={t("accounts.title")} about={t("accounts.about")} actions={connect} />
      <Answer of={accounts}>
        {(rows) =>
          rows.length === 0 ? (
            <EmptyState icon={IconBrandWhatsapp} title={t("accounts.none.title")} body={t("accounts.none.body")}>
              {connect}
            </EmptyState>
          ) : (
            <Stack>
              {rows.map((row) => (
                <AccountCard key={row.id} account={row} />
              ))}
            </Stack>
          )
        }
      </Answer>
      <Modal opened={connecting} onClose={close} title={t("accounts.connect")} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
        <ConnectForm close={close} />
      </Modal>
    </>
  );
}
