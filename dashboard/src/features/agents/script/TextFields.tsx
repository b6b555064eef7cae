import { SimpleGrid, Textarea } from "@mantine/core";
import { useFaultAt } from "@/features/agents/faults";
import type { Text } from "@/features/agents/script/model";
import { useLanguageName } from "@/features/agents/words";

interface Props {
  label: string;
  description?: string;
  value: Text | null | undefined;
  languages: string[];
  /** Where it stands in the agent, for its faults: `script.states.day.say`. */
  path: string;
  onChange: (next: Text) => void;
}

/** One text in every language of the script. */
export function TextFields({ label, description, value, languages, path, onChange }: Props) {
  return (
    <SimpleGrid cols={{ base: 1, sm: Math.min(2, languages.length) }} spacing="sm">
      {languages.map((language) => (
        <OneText
          key={language}
          label={label}
          description={description}
          language={language}
          several={languages.length > 1}
          path={`${path}.${language}`}
          value={value?.[language] ?? ""}
          onChange={(text) => onChange({ ...value, [language]: text })}
        />
      ))}
    </SimpleGrid>
  );
}

interface OneProps {
  label: string;
  description?: string;
  language: string;
  several: boolean;
  path: string;
  value: string;
  onChange: (text: string) => void;
}

function OneText({ label, description, language, several, path, value, onChange }: OneProps) {
  const languageName = useLanguageName();
  return (
    <Textarea
      label={several ? `${label} (${languageName(language)})` : label}
      description={description}
      autosize
      minRows={2}
      maxLength={1000}
      dir="auto"
      lang={language}
      value={value}
      error={useFaultAt(path)}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
