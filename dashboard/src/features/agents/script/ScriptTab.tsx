// The script as people read it: steps with what is said, what is expected and where it goes. Or as JSON.

import { Alert, Group, SegmentedControl, Stack } from "@mantine/core";
import type { Draft } from "@/features/agents/draft";
import { AnswersView } from "@/features/agents/script/AnswersView";
import { JsonView } from "@/features/agents/script/JsonView";
import { isDialogue, type Dialogue } from "@/features/agents/script/model";
import { RulesView } from "@/features/agents/script/RulesView";
import { StepsView } from "@/features/agents/script/StepsView";
import { useLanguageName } from "@/features/agents/words";
import { useFilters } from "@/lib/address";
import { useT } from "@/lib/i18n";

export interface ScriptProps {
  dialogue: Dialogue;
  /** The language in which texts are shown. */
  language: string;
  change: (next: Dialogue) => void;
  mayWrite: boolean;
  /** Tools that the agent has been given, and those that every agent has. */
  tools: string[];
}

export default function ScriptTab({ draft, mayWrite }: { draft: Draft; mayWrite: boolean }) {
  const t = useT("script");
  const languageName = useLanguageName();
  const [{ view, texts }, setFilters] = useFilters({ view: "steps", texts: "" });
  const script: unknown = draft.content.script ?? {};
  const change = (next: Dialogue) => draft.change({ script: next as unknown as Record<string, unknown> });
  if (!isDialogue(script)) {
    return (
      <Stack gap="md">
        <Alert color="yellow">{t("no_dialogue")}</Alert>
        <JsonView dialogue={script as Dialogue} change={change} draft={draft} mayWrite={mayWrite} />
      </Stack>
    );
  }
  const usual = script.languages.includes(draft.content.language) ? draft.content.language : (script.languages[0] ?? "en");
  const language = script.languages.includes(texts) ? texts : usual;
  const props: ScriptProps = { dialogue: script, language, change, mayWrite, tools: draft.content.tools ?? [] };
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <SegmentedControl
          aria-label={t("view.label")}
          value={view}
          onChange={(next) => setFilters({ view: next })}
          data={[
            { value: "steps", label: t("view.steps") },
            { value: "answers", label: t("view.answers") },
            { value: "rules", label: t("view.rules") },
            { value: "json", label: t("view.json") },
          ]}
        />
        {view !== "json" && script.languages.length > 1 && (
          <SegmentedControl
            aria-label={t("texts_in")}
            value={language}
            onChange={(next) => setFilters({ texts: next })}
            data={script.languages.map((code) => ({ value: code, label: languageName(code) }))}
          />
        )}
      </Group>
      {view === "steps" && <StepsView {...props} />}
      {view === "answers" && <AnswersView {...props} />}
      {view === "rules" && <RulesView {...props} />}
      {view === "json" && <JsonView dialogue={script} change={change} draft={draft} mayWrite={mayWrite} />}
    </Stack>
  );
}
