// The script as it is stored, for whoever would rather write that.

import { Alert, Button, Group, Stack, Textarea } from "@mantine/core";
import { useState } from "react";
import type { Draft } from "@/features/agents/draft";
import type { Dialogue } from "@/features/agents/script/model";
import { FaultList, useFaults } from "@/features/agents/faults";
import { useT } from "@/lib/i18n";

interface Props {
  dialogue: Dialogue;
  change: (next: Dialogue) => void;
  /** Where what is written and not applied is kept: it outlives a look at another view, and a colleague's save. */
  draft: Draft;
  mayWrite: boolean;
}

export function JsonView({ dialogue, change, draft: { json, writeJson }, mayWrite }: Props) {
  const t = useT("script");
  const written = JSON.stringify(dialogue, null, 2);
  const text = json?.text ?? written;
  const [fault, setFault] = useState<string | null>(null);
  const faults = useFaults("script", true);
  function write(next: string) {
    writeJson(next === written ? null : { text: next, over: json?.over ?? written });
  }
  function apply() {
    try {
      const next = JSON.parse(text) as unknown;
      if (typeof next !== "object" || next === null || Array.isArray(next)) throw new SyntaxError(t("json.no_object"));
      setFault(null);
      change(next as Dialogue);
      writeJson(null);
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
        onChange={(event) => write(event.currentTarget.value)}
      />
      {json !== null && json.over !== written && (
        <Alert color="yellow" role="alert">
          {t("json.changed")}
        </Alert>
      )}
      {faults.length > 0 && <FaultList faults={faults} />}
      {mayWrite && json !== null && (
        <Group>
          <Button onClick={apply}>{t("json.apply")}</Button>
          <Button variant="default" onClick={() => (setFault(null), writeJson(null))}>
            {t("json.undo")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
