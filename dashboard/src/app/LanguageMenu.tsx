import { ActionIcon, Menu } from "@mantine/core";
import { IconCheck, IconLanguage } from "@tabler/icons-react";
import { useContext } from "react";
import { chooseLanguage, LANGUAGES, useLanguage, useT, type Language } from "@/lib/i18n";
import { SessionContext } from "@/lib/session";
import { useAct } from "@/ui/act";

/** Each language in its own words: whoever looks for theirs cannot read the other. */
const OWN_NAMES: Record<Language, string> = { en: "English", he: "עברית" };

export function LanguageMenu({ onChosen }: { onChosen?: () => void }) {
  const t = useT("shell");
  const now = useLanguage();
  const session = useContext(SessionContext);
  const act = useAct();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("language")} title={t("language")}>
          <IconLanguage size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {LANGUAGES.map((language) => (
          <Menu.Item
            key={language}
            lang={language}
            aria-current={language === now}
            rightSection={language === now && <IconCheck size={16} />}
            onClick={() => {
              void (session ? act(() => session.speak(language)) : chooseLanguage(language));
              onChosen?.();
            }}
          >
            {OWN_NAMES[language]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
