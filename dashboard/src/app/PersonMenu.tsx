import { ActionIcon, Menu, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBuildingStore, IconKeyboard, IconLogout, IconUserCircle } from "@tabler/icons-react";
import { BusinessSwitcher } from "@/app/BusinessSwitcher";
import { openKeys } from "@/app/Keys";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { useAct } from "@/ui/act";
import { LinkTo } from "@/ui/LinkTo";

export function PersonMenu() {
  const t = useT("shell");
  const { me, signOut } = useSession();
  const act = useAct();
  const [choosing, { open, close }] = useDisclosure(false);
  return (
    <>
      <Menu position="bottom-end" width={240}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("person.menu", { name: me.name })}>
            <IconUserCircle size={22} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            <Text size="sm" fw={600} dir="auto">
              {me.name}
            </Text>
            <Text size="xs" dir="ltr">
              {me.email}
            </Text>
            <Text size="xs">{me.is_system_admin ? t("role.system") : t(`role.${me.role}`)}</Text>
          </Menu.Label>
          <Menu.Divider />
          {me.is_system_admin && (
            <Menu.Item leftSection={<IconBuildingStore size={16} />} onClick={open}>
              {t("businesses.choose")}
            </Menu.Item>
          )}
          <Menu.Item component={LinkTo} to="/account" leftSection={<IconUserCircle size={16} />}>
            {t("person.account")}
          </Menu.Item>
          <Menu.Item leftSection={<IconKeyboard size={16} />} onClick={openKeys}>
            {t("keys.title")}
          </Menu.Item>
          <Menu.Item leftSection={<IconLogout size={16} className="points" />} onClick={() => act(signOut)}>
            {t("sign_out")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <BusinessSwitcher opened={choosing} onClose={close} />
    </>
  );
}
