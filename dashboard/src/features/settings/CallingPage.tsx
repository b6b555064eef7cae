import { useT } from "@/lib/i18n";
import { CallingHours } from "./CallingHours";
import { SettingsTabs } from "./SettingsTabs";

/** When and how often people may be called. */
export default function CallingPage() {
  const t = useT("settings");
  return (
    <>
      <SettingsTabs title={t("calling.title")} about={t("calling.about")} />
      <CallingHours />
    </>
  );
}
