// The script as it is stored, for whoever would rather write that.

import { Button, Group, Stack, Textarea } from "@mantine/core";
import { useState } from "react";
import type { Dialogue } from "@/features/agents/script/model";
import { FaultList, useFaults } from "@/features/agents/faults";
import { useT } from "@/lib/i18n";

export function JsonView({ dialogue, change, mayWrite }: { dialogue: Dialogue; change: (next: Dialogue) => void; mayWrite: boolean }) {
  const t = useT("script");
  const written = JSON.stringify(dialogue, null, 2);
  const [base, setBase] = useState(written);
  const [text, setText] = useState(written);
  const [fault, setFault] = useState<string | null>(null);
  const faults = useFaults("script", true);
  if (written !== base) {
    setBase(written);
    setText(written);
  }
  function apply() {
    try {
      const next = JSON.parse(text) as unknown;
      if (typeof next !== "object" || next === null || Array.isArray(next)) throw new SyntaxError(t("json.no_object"));
      setFault(null);
      change(next as Dialogue);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      setFault(t("json.fault", { fault: error.message }));
    }
  }
  return (
    <Stack gap="sm">
      <Textarea
        aria-label={t("view.json")}
        description={t("json.about")}
        dir="ltr"
        autosize
        minRows={20}
        maxRows={36}
        spellCheck={false}
        readOnly={!mayWrite}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.8rem" } }}
        value={text}
        error={fault}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {faults.length > 0 && <FaultList faults={faults} />}
      {mayWrite && text !== written && (
        <Group>
          <Button onClick={apply}>{t("json.apply")}</Button>
          <Button variant="default" onClick={() => setText(written)}>
            {t("json.undo")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
