import { PasswordInput, type PasswordInputProps } from "@mantine/core";
import { useT } from "@/lib/i18n";

export const SHORTEST_PASSWORD = 10;

/** A field for a password; a new one is told how long it must be. */
export function PasswordField({ isNew, ...rest }: PasswordInputProps & { isNew?: boolean }) {
  const t = useT("settings");
  return (
    <PasswordInput
      dir="ltr"
      required
      withAsterisk={false}
      visibilityToggleButtonProps={{ "aria-label": t("password.show") }}
      {...(isNew && {
        autoComplete: "new-password",
        minLength: SHORTEST_PASSWORD,
        description: t("password.length", { count: SHORTEST_PASSWORD }),
      })}
      {...rest}
    />
  );
}
