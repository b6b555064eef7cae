import { Radio, Stack } from "@mantine/core";
import { useT } from "@/lib/i18n";
import { useSession, type Role } from "@/lib/session";

const ROLES: Role[] = ["viewer", "agent", "admin", "owner"];

/** What somebody may do, each with a sentence; owners are made by owners alone. */
export function RoleSelect({ value, onChange }: { value: Role; onChange: (role: Role) => void }) {
  const t = useT("settings");
  const { may } = useSession();
  return (
    <Radio.Group label={t("people.role")} value={value} onChange={(role) => onChange(role as Role)}>
      <Stack gap="xs" mt="xs">
        {ROLES.filter((role) => role !== "owner" || may("owner")).map((role) => (
          <Radio key={role} value={role} label={t(`role.${role}`)} description={t(`role_means.${role}`)} />
        ))}
      </Stack>
    </Radio.Group>
  );
}
