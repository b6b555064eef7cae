import { Center, Loader, Stack, Text } from "@mantine/core";
import { useT } from "@/lib/i18n";

/** The whole page while the server cannot be reached and nothing has been loaded yet. */
export function Away() {
  const t = useT("shell");
  return (
    <Center mih="100dvh" p="md">
      <Stack align="center" role="alert" data-banner="away">
        <Loader />
        <Text ta="center">{t("away")}</Text>
      </Stack>
    </Center>
  );
}
