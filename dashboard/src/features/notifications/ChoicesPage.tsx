import { Stack } from "@mantine/core";
import { api } from "@/lib/api";
import { useT } from "@/lib/i18n";
import { useSession } from "@/lib/session";
import { Answer } from "@/ui/Answer";
import { Notice } from "@/ui/Notice";
import { PageHeader } from "@/ui/PageHeader";
import { BusinessQuiet } from "./BusinessQuiet";
import { ChoicesForm } from "./ChoicesForm";
import { Devices } from "./Devices";

export default function ChoicesPage() {
  const t = useT("notifications");
  const refused = useT("errors");
  const { me, may } = useSession();
  const choices = api.useQuery("get", "/api/notification-choices");
  return (
    <>
      <PageHeader
        title={t("settings.title")}
        about={t("settings.about")}
        back={{ to: "/notifications", label: t("title") }}
      />
      <Stack>
        {me.is_system_admin ? (
          <Notice>{refused("code.not_a_member")}</Notice>
        ) : (
          <>
            <Devices />
            <Answer of={choices}>{(data) => <ChoicesForm choices={data} />}</Answer>
          </>
        )}
        {may("admin") && <BusinessQuiet />}
      </Stack>
    </>
  );
}
