import { Center, Loader } from "@mantine/core";
import { useT } from "@/lib/i18n";

/** What is drawn while a page or its first answer is on its way. */
export function Loading() {
  const t = useT("common");
  return (
    <Center mih="12rem" role="status" aria-label={t("loading")}>
      <Loader size="sm" />
    </Center>
  );
}
